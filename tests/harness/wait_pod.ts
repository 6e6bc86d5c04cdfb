/**
 * Waits for what happens to pods.
 *
 * @module
 */
import type { Cluster } from "./cluster.ts";
import { eventually, GiveUp } from "./eventually.ts";
import type { ContainerStatus, Event, Pod } from "./objects.ts";

/** A pod by its names. */
export interface PodRef {
  readonly namespace: string;
  readonly name: string;
}

/** Reads a pod that must be there. */
export async function getPod(cluster: Cluster, { namespace, name }: PodRef): Promise<Pod> {
  return await cluster.get<Pod>(`/api/v1/namespaces/${namespace}/pods/${name}`);
}

/** Waits until `wanted` is true of the pod. On failure the error tells the pod's status and events. */
export async function waitPod(
  cluster: Cluster,
  ref: PodRef,
  options: {
    /** Completes "Waited in vain for pod X to …". */
    readonly to: string;
    readonly wanted: (pod: Pod) => boolean;
    readonly withinMs?: number;
  },
): Promise<Pod> {
  const { to, wanted, withinMs = 30_000 } = options;
  let seen: Pod | undefined;
  try {
    return await eventually(`pod ${ref.name} to ${to}`, async () => {
      seen = await getPod(cluster, ref);
      return wanted(seen) ? seen : undefined;
    }, { withinMs });
  } catch (error) {
    const events = await eventsOf(cluster, ref).catch(() => []);
    const story = events.map(({ type, reason, message, count }) =>
      `  ${type} ${reason} (${count ?? 1}): ${message}`
    );
    throw new GiveUp(
      `${error instanceof Error ? error.message : error}\n${
        JSON.stringify(seen?.status, undefined, 2)
      }\n${story.join("\n")}`,
    );
  }
}

/** Waits until the pod has ended, as it should. */
export async function waitEnded(
  cluster: Cluster,
  ref: PodRef,
  phase: "Succeeded" | "Failed",
  withinMs?: number,
): Promise<Pod> {
  const pod = await waitPod(cluster, ref, {
    to: "end",
    wanted: ({ status }) => status.phase === "Succeeded" || status.phase === "Failed",
    ...(withinMs === undefined ? {} : { withinMs }),
  });
  if (pod.status.phase === phase) return pod;
  const logs = await cluster.tryKubectl([
    "logs",
    "--all-containers",
    "-n",
    ref.namespace,
    ref.name,
  ]);
  throw new GiveUp(
    `Pod ${ref.name} is ${pod.status.phase}, not ${phase}: ${JSON.stringify(pod.status)}\n\
${logs.stdout}${logs.stderr}`,
  );
}

/** Waits until the pod is Running with all its containers ready. */
export async function waitRunning(cluster: Cluster, ref: PodRef, withinMs?: number): Promise<Pod> {
  return await waitPod(cluster, ref, {
    to: "run",
    wanted: ({ status }) =>
      status.phase === "Running" &&
      (status.containerStatuses ?? []).every(({ ready }) => ready),
    ...(withinMs === undefined ? {} : { withinMs }),
  });
}

/** Waits until the API server knows the pod no more. */
export async function waitGone(
  cluster: Cluster,
  { namespace, name }: PodRef,
  withinMs = 30_000,
): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
  await eventually(
    `pod ${name} to be gone`,
    async () => await cluster.find(path) === undefined,
    { withinMs },
  );
}

/** The events of a pod, oldest first. */
export async function eventsOf(cluster: Cluster, { namespace, name }: PodRef): Promise<Event[]> {
  const selector = encodeURIComponent(`involvedObject.name=${name}`);
  const { items } = await cluster.get<{ items: Event[] }>(
    `/api/v1/namespaces/${namespace}/events?fieldSelector=${selector}`,
  );
  return items;
}

/** Waits for an event of the pod, and answers it. */
export async function waitEvent(
  cluster: Cluster,
  ref: PodRef,
  wanted: { readonly reason: string; readonly message?: RegExp },
  withinMs = 30_000,
): Promise<Event> {
  return await eventually(
    `event ${wanted.reason} ${wanted.message ?? ""} of pod ${ref.name}`,
    async () => {
      const events = await eventsOf(cluster, ref);
      const found = events.find(({ reason, message }) =>
        reason === wanted.reason && (wanted.message?.test(message) ?? true)
      );
      if (found) return found;
      throw new Error(`seen: ${events.map((one) => `${one.reason}: ${one.message}`).join("; ")}`);
    },
    { withinMs },
  );
}

/** A container's status, which must be there. */
export function statusOf(pod: Pod, container: string): ContainerStatus {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status;
  const found = [...initContainerStatuses, ...containerStatuses]
    .find(({ name }) => name === container);
  if (found === undefined) throw new Error(`No status of container "${container}" in the pod`);
  return found;
}
