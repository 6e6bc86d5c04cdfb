/**
 * Makes sure that the cluster has this node.
 *
 * @module
 */
import type { Node } from "../api/types.ts";
import { isAlreadyExists } from "../api/client.ts";
import { nodePath, nodesPath } from "../api/paths.ts";
import { type NodeApi, REQUEST_MS_MAX, untilDone } from "./requests.ts";

/** Who registers what. */
export interface Registration {
  readonly api: NodeApi;
  /** The Node as it is to be created. */
  readonly node: Node;
}

/**
 * Creates the Node, or brings one that exists up to date. Tries for ever while the API server is
 * away or refuses.
 *
 * Of an existing Node, labels and annotations that this program owns are updated. Taints are not:
 * others add and remove them, and NodeRestriction forbids a node to touch them.
 *
 * @returns The Node as the cluster has it; `undefined` if the signal aborts first.
 */
export function registerNode(
  { api, node }: Registration,
  signal: AbortSignal,
): Promise<Node | undefined> {
  const name = node.metadata?.name ?? "";
  return untilDone(`register node "${name}"`, {
    signal,
    run: () => registerOnce({ api, node }, signal),
  });
}

async function registerOnce({ api, node }: Registration, signal: AbortSignal): Promise<Node> {
  const options = { signal, timeoutMs: REQUEST_MS_MAX };
  try {
    return await api.create<Node>(nodesPath(), node, options);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
  const path = nodePath(node.metadata?.name ?? "");
  const existing = await api.get<Node>(path, options);
  const patch = metadataPatch(node, existing);
  if (patch === undefined) return existing;
  return await api.patch<Node>(path, patch, { ...options, type: "merge" });
}

/**
 * What must change so that an existing Node has our labels and annotations; `undefined` if nothing
 * must. Labels and annotations of others stay.
 */
export function metadataPatch(wanted: Node, existing: Node): Record<string, unknown> | undefined {
  const labels = missing(wanted.metadata?.labels, existing.metadata?.labels);
  // The cluster's TTL controller owns this one from the moment when the node exists.
  const { "node.alpha.kubernetes.io/ttl": _ttl, ...own } = wanted.metadata?.annotations ?? {};
  const annotations = missing(own, existing.metadata?.annotations);
  if (labels === undefined && annotations === undefined) return undefined;
  return {
    metadata: {
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
    },
  };
}

function missing(
  wanted: Record<string, string> = {},
  existing: Record<string, string> = {},
): Record<string, string> | undefined {
  const entries = Object.entries(wanted).filter(([key, value]) => existing[key] !== value);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
