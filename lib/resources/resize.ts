/**
 * Resources of containers that change while a pod runs (KEP-1287).
 *
 * @module
 */
import type { Container, Pod, ResourceRequirements } from "../api/types.ts";
import { type Amounts, amountsOf } from "./amounts.ts";

/** By container: what the node has agreed to. */
export type Allocated = Readonly<Record<string, ResourceRequirements>>;

/** Why a resize has to wait (`Deferred`), or can never be (`Infeasible`). */
export interface PendingResize {
  readonly reason: "Deferred" | "Infeasible";
  readonly message: string;
}

/** What the pod asks for now, to be agreed to. */
export function allocate(pod: Pod): Allocated {
  return Object.fromEntries(resizable(pod).map(({ name, resources }) => [name, resources ?? {}]));
}

/** The pod with what the node has agreed to in the place of what it asks for. */
export function allocatedPod(pod: Pod, allocated: Allocated | undefined): Pod {
  if (allocated === undefined || pod.spec === undefined) return pod;
  const agreed = (container: Container): Container => allocatedContainer(container, allocated);
  const { initContainers, containers } = pod.spec;
  return {
    ...pod,
    spec: {
      ...pod.spec,
      containers: containers.map(agreed),
      ...(initContainers === undefined ? {} : { initContainers: initContainers.map(agreed) }),
    },
  };
}

/** A container with the resources that the node has agreed to, if it has said anything. */
export function allocatedContainer(container: Container, allocated?: Allocated): Container {
  const resources = allocated?.[container.name];
  return resources === undefined ? container : { ...container, resources };
}

/** True if the pod asks for something else than the node has agreed to. */
export function wantsResize(pod: Pod, allocated: Allocated): boolean {
  return resizable(pod).some(({ name, resources }) => !isSame(resources, allocated[name]));
}

/**
 * Why the node can never do as it is asked, or `undefined`. Requests and cpu are numbers only; but the memory
 * of a guest is bounded when it starts, so another limit needs another run.
 */
export function infeasible(
  pod: Pod,
  { allocated, running }: { readonly allocated: Allocated; readonly running: ReadonlySet<string> },
): PendingResize | undefined {
  for (const { name, resources, resizePolicy = [] } of resizable(pod)) {
    if (!running.has(name) || !hasOtherMemoryLimit(resources, allocated[name])) continue;
    const policy = resizePolicy.find(({ resourceName }) => resourceName === "memory");
    if (policy?.restartPolicy === "RestartContainer") continue;
    const message =
      `the memory limit of a WebAssembly container that runs cannot be changed: container \
"${name}" has no resizePolicy RestartContainer for memory`;
    return { reason: "Infeasible", message };
  }
  return undefined;
}

/** True if a run that was begun with the one has to end to get the other. */
export function hasOtherMemoryLimit(
  one: ResourceRequirements | undefined,
  other: ResourceRequirements | undefined,
): boolean {
  return amountsOf(one?.limits).get("memory") !== amountsOf(other?.limits).get("memory");
}

/** Sidecars and app containers: nothing else lives long enough. */
function resizable({ spec }: Pod): Container[] {
  const sidecars = (spec?.initContainers ?? []).filter((one) => one.restartPolicy === "Always");
  return [...sidecars, ...(spec?.containers ?? [])];
}

function isSame(one: ResourceRequirements = {}, other: ResourceRequirements = {}): boolean {
  return isEqual(amountsOf(one.limits), amountsOf(other.limits)) &&
    isEqual(amountsOf(one.requests), amountsOf(other.requests));
}

function isEqual(one: Amounts, other: Amounts): boolean {
  return one.size === other.size && [...one].every(([name, amount]) => other.get(name) === amount);
}
