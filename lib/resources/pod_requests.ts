/**
 * How much of the node a whole pod asks for.
 *
 * @module
 */
import type { Container, Pod, ResourceRequirements } from "../api/types.ts";
import { type Amounts, amountsOf, greatest, sum } from "./amounts.ts";

/**
 * What a pod sets aside: the greatest need of any moment of its life, where sidecars stay once they
 * have started (KEP-753); in its place what the pod says as a whole (KEP-2837); and the overhead of its
 * RuntimeClass (KEP-688).
 */
export function podRequests(pod: Pod): Amounts {
  return whole(pod, requestsOf);
}

/**
 * The most that a pod may use, by the same rule. A resource that some container has no limit for is
 * still in it: what cannot be summed up is for the caller to know.
 */
export function podLimits(pod: Pod): Amounts {
  return whole(pod, (resources) => amountsOf(resources?.limits));
}

/** A container's requests; one that is missing is its limit, as the API server would have it. */
export function requestsOf(resources: ResourceRequirements | undefined): Amounts {
  return new Map([...amountsOf(resources?.limits), ...amountsOf(resources?.requests)]);
}

/** Resources that a pod as a whole can speak about (KEP-2837). */
export function isPodLevel(resource: string): boolean {
  return resource === "cpu" || resource === "memory" || resource.startsWith("hugepages-");
}

type Reading = (resources: ResourceRequirements | undefined) => Amounts;

function whole({ spec }: Pod, read: Reading): Amounts {
  const said = [...read(spec?.resources)].filter(([resource]) => isPodLevel(resource));
  const needs = new Map([...containersNeed(spec, read), ...said]);
  // An overhead adds to what there is: a limit that does not exist stays so.
  const overhead = [...amountsOf(spec?.overhead)].filter(([resource]) =>
    read === requestsOf || needs.has(resource)
  );
  return sum(needs, new Map(overhead));
}

function containersNeed(spec: Pod["spec"], read: Reading): Amounts {
  const isSidecar = ({ restartPolicy }: Container): boolean => restartPolicy === "Always";
  let sidecars: Amounts = new Map();
  let starting: Amounts = new Map();
  for (const container of spec?.initContainers ?? []) {
    const own = read(container.resources);
    // An init container works beside the sidecars that come before it.
    starting = greatest(starting, sum(own, sidecars));
    if (isSidecar(container)) sidecars = sum(sidecars, own);
  }
  const working = (spec?.containers ?? []).map(({ resources }) => read(resources));
  return greatest(sum(...working, sidecars), starting);
}
