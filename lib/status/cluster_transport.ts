/**
 * Pod status on its way to the API server.
 *
 * @module
 */
import { type ApiClient, ApiError, isConflict, isNotFound } from "../api/client.ts";
import { podPath, podStatusPath } from "../api/paths.ts";
import type { PodStatus } from "../api/types.ts";
import { PASSING_CONDITIONS } from "./conditions.ts";
import type { Heard, PodKey, StatusTransport } from "./writer.ts";

/** Members that a strategic merge would keep from before when they are merely absent. */
const CLEARED = { reason: null, message: null };
/** Makes a list replace the old one as a whole (strategic merge patch, `$patch` directive). */
const REPLACED = { $patch: "replace" };

/** The patch that makes `status` the pod's status; conditions of others stay. */
export function statusPatch(pod: PodKey, status: PodStatus): Record<string, unknown> {
  const conditions = status.conditions?.map((condition) => ({ ...CLEARED, ...condition }));
  const passed = PASSING_CONDITIONS.filter((type) =>
    status.conditions?.every((condition) => condition.type !== type)
  );
  // Their items are merged by address: without this, an old address would stay beside a new one.
  const { podIPs, hostIPs } = status;
  return {
    metadata: { uid: pod.uid },
    status: {
      ...CLEARED,
      ...status,
      ...(conditions === undefined ? {} : {
        conditions: [...conditions, ...passed.map((type) => ({ type, $patch: "delete" }))],
      }),
      ...(podIPs === undefined ? {} : { podIPs: [REPLACED, ...podIPs] }),
      ...(hostIPs === undefined ? {} : { hostIPs: [REPLACED, ...hostIPs] }),
    },
  };
}

/** Writes to `pods/<name>/status`; every write names the UID, so another pod is never touched. */
export class ClusterStatusTransport implements StatusTransport {
  readonly #client: ApiClient;
  readonly #onTrouble: (message: string) => void;

  /** @param onTrouble told of a status that the API server will never take. */
  constructor(client: ApiClient, onTrouble: (message: string) => void) {
    this.#client = client;
    this.#onTrouble = onTrouble;
  }

  async writeStatus(pod: PodKey, status: PodStatus, signal: AbortSignal): Promise<Heard> {
    try {
      const path = podStatusPath(pod.namespace, pod.name);
      await this.#client.patch(path, statusPatch(pod, status), {
        type: "strategic",
        signal,
        brief: true,
      });
      return "written";
    } catch (error) {
      return this.#answer(error, pod);
    }
  }

  async release(pod: PodKey, signal: AbortSignal): Promise<Heard> {
    const body = { gracePeriodSeconds: 0, preconditions: { uid: pod.uid } };
    try {
      await this.#client.delete(podPath(pod.namespace, pod.name), { body, signal, brief: true });
      return "written";
    } catch (error) {
      return this.#answer(error, pod);
    }
  }

  #answer(error: unknown, pod: PodKey): Heard {
    // A conflict here is always about the UID: the pod of that name is another one.
    if (isNotFound(error) || isConflict(error)) return "gone";
    if (error instanceof ApiError && error.status === 422) {
      this.#onTrouble(
        `Cannot report pod "${pod.namespace}/${pod.name}", gave up on it: ${error.message}`,
      );
      return "refused";
    }
    throw error;
  }
}
