/**
 * Which endpoints of a Service a connection may be led to.
 *
 * @module
 */
import type { Endpoint } from "../../guest_network.ts";
import type { EndpointEntry, PortEntry, SliceEntry } from "./entries.ts";

/** Where this node is. */
export interface NodePlace {
  /** Its name, as endpoints say where they run. */
  readonly name: string;
  /** Its label `topology.kubernetes.io/zone`. @default {it is in none} */
  readonly zone?: string | undefined;
  /** Its own addresses, at which it has the node ports of all Services. */
  readonly ips: readonly string[];
}

/** Who may be chosen from. */
export interface Choice {
  /** The port of the Service that was asked for. */
  readonly port: PortEntry;
  /** Endpoints of the address's own family. */
  readonly family: 4 | 6;
  /** Only endpoints of this node (`internalTrafficPolicy: Local`). */
  readonly localOnly: boolean;
  /** Where this node is. */
  readonly node: NodePlace;
}

interface Candidate extends Endpoint {
  readonly entry: EndpointEntry;
}

/**
 * All endpoints that are as good as each other: those that are ready and meant for this node or its
 * zone, as hints say; else those that still serve while they end (KEP-1669). None of them: nobody
 * serves. Touches nothing.
 */
export function candidates(slices: Iterable<SliceEntry>, choice: Choice): readonly Endpoint[] {
  const { node, localOnly } = choice;
  const all = reachable(slices, choice)
    .filter(({ entry }) => !localOnly || entry.nodeName === node.name);
  const ready = all.filter(({ entry }) => entry.ready);
  const leaving = ({ entry }: Candidate): boolean => entry.serving && entry.terminating;
  if (ready.length === 0) return all.filter(leaving);
  // Who may only go to the own node is as near as can be.
  return localOnly ? ready : nearest(ready, node);
}

/** True if such an endpoint takes connections, so that a client may come back to it. */
export function isAmong(endpoints: readonly Endpoint[], { ip, port }: Endpoint): boolean {
  return endpoints.some((one) => one.ip === ip && one.port === port);
}

function reachable(slices: Iterable<SliceEntry>, { port, family }: Choice): Candidate[] {
  const found: Candidate[] = [];
  for (const slice of slices) {
    if (slice.family !== family) continue;
    const target = slice.ports.find(({ name, protocol }) =>
      name === port.name && protocol === port.protocol
    );
    if (target === undefined) continue;
    for (const entry of slice.endpoints) found.push({ ip: entry.ip, port: target.port, entry });
  }
  return found;
}

/**
 * Hints count if every endpoint has them and one is for us; those for nodes before those for zones
 * (`trafficDistribution` becomes hints before a node sees it).
 */
function nearest(ready: readonly Candidate[], { name, zone }: NodePlace): readonly Candidate[] {
  for (const [place, hint] of [[name, "nodes"], [zone, "zones"]] as const) {
    if (place === undefined || ready.some(({ entry }) => entry[hint] === undefined)) continue;
    const meant = ready.filter(({ entry }) => entry[hint]?.includes(place));
    if (meant.length > 0) return meant;
  }
  return ready;
}
