/**
 * What is told of resources that change, in a kubelet's words (`pkg/kubelet/events/resize.go`).
 *
 * @module
 */
import type { Container, Pod } from "../api/types.ts";

/**
 * The message of an Event about a resize: what happens to it, and what the pod is to have as JSON.
 *
 * @param what `started`, `completed`, `Deferred` or `Infeasible`.
 * @param error why it is not done, for the latter two.
 */
export function resizeMessage(
  what: string,
  { metadata, spec }: Pod,
  { error }: { readonly error?: string } = {},
): string {
  const { initContainers = [], containers = [] } = spec ?? {};
  const summary = {
    ...(initContainers.length === 0 ? {} : { initContainers: initContainers.map(shown) }),
    ...(containers.length === 0 ? {} : { containers: containers.map(shown) }),
    generation: metadata?.generation ?? 0,
    ...(error === undefined ? {} : { error }),
  };
  return `Pod resize ${what}: ${JSON.stringify(summary)}`;
}

function shown(
  { name, resources: { limits, requests } = {} }: Container,
): Pick<Container, "name" | "resources"> {
  return {
    name,
    resources: {
      ...(limits === undefined ? {} : { limits }),
      ...(requests === undefined ? {} : { requests }),
    },
  };
}
