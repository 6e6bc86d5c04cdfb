/**
 * Renews the node's Lease, by which the cluster knows that the node is alive (KEP-589).
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { isConflict, isNotFound } from "../api/client.ts";
import { leasePath, leasesPath } from "../api/paths.ts";
import type { Lease } from "../api/types.ts";
import { messageOf } from "../errors.ts";
import { sleep } from "../time.ts";
import { type NodeApi, REQUEST_MS_MAX, retryDelayMs } from "./requests.ts";

/** A kubelet's lease: after so long without renewal the node counts as dead. */
export const LEASE_SECONDS = 40;
/** A quarter of the lease, so that three renewals may fail. */
export const LEASE_RENEW_MS = 10_000;

/** Whose lease is kept, and how. */
export interface LeaseOptions {
  readonly api: NodeApi;
  readonly nodeName: string;
  /** The Node's UID now: the lease goes when the Node goes. */
  nodeUid(): string | undefined;
  /** @default {LEASE_RENEW_MS} */
  readonly renewMs?: number;
  /** @default {Date.now} */
  nowMs?(): number;
}

/**
 * Renews the lease until the signal aborts. A lease that is missing is created again; a failure is
 * tried again at once, then slower.
 */
export async function keepLease(options: LeaseOptions, signal: AbortSignal): Promise<void> {
  const { renewMs = LEASE_RENEW_MS, nodeName } = options;
  const log = getLogger(["krustlet", "node"]);
  let held: Lease | undefined;
  let failures = 0;
  while (!signal.aborted) {
    try {
      held = await renew(options, held, signal);
      if (failures > 0) log.info("Lease of node {nodeName} is renewed again", { nodeName });
      failures = 0;
      await sleep(renewMs, signal);
    } catch (error) {
      if (signal.aborted) break;
      held = undefined;
      failures++;
      log.warning("Cannot renew the lease of node {nodeName}, trying again: {error}", {
        nodeName,
        error: messageOf(error),
      });
      await sleep(Math.min(retryDelayMs(failures, Math.random()), renewMs), signal);
    }
  }
}

async function renew(
  options: LeaseOptions,
  held: Lease | undefined,
  signal: AbortSignal,
): Promise<Lease> {
  const { api, nodeName } = options;
  const nowMs = (options.nowMs ?? Date.now)();
  const uid = options.nodeUid();
  const path = leasePath(nodeName);
  const request = { signal, timeoutMs: REQUEST_MS_MAX };
  if (held !== undefined) {
    try {
      return await api.update<Lease>(path, renewedLease(held, { nodeName, uid, nowMs }), request);
    } catch (error) {
      // Somebody changed or removed it: look again.
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
  const found = await api.get<Lease>(path, request).catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
  const wanted = renewedLease(found, { nodeName, uid, nowMs });
  return found === undefined
    ? await api.create<Lease>(leasesPath(), wanted, request)
    : await api.update<Lease>(path, wanted, request);
}

/**
 * The lease as it is written at `nowMs`, from the one that exists, if one does. Its time of renewal only
 * goes on, also on a machine whose clock was set back: the cluster takes an older one for none at all, and
 * would give the node up.
 */
export function renewedLease(
  existing: Lease | undefined,
  { nodeName, uid, nowMs }: { nodeName: string; uid: string | undefined; nowMs: number },
): Lease {
  const last = Date.parse(existing?.spec?.renewTime ?? "");
  const now = microTime(last >= nowMs ? last + 1 : nowMs);
  const owners = uid === undefined
    ? {}
    : { ownerReferences: [{ apiVersion: "v1", kind: "Node", name: nodeName, uid }] };
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: {
      ...existing?.metadata,
      name: nodeName,
      namespace: "kube-node-lease",
      ...owners,
    },
    spec: {
      acquireTime: now,
      ...existing?.spec,
      holderIdentity: nodeName,
      leaseDurationSeconds: LEASE_SECONDS,
      renewTime: now,
    },
  };
}

/** `metav1.MicroTime`: RFC 3339 in UTC with exactly six digits of a second. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace(/Z$/, "000Z");
}
