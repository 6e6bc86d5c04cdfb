/**
 * What becomes of an address that a guest names: pure, so that it can be a table.
 *
 * @module
 */
import type {
  Endpoint,
  NetworkAnswer,
  NetworkRefusal,
  NetworkRequest,
  TransportProtocol,
} from "../guest_network.ts";
import { isLoopback, isWildcard, sameFamily } from "./kinds_of_address.ts";

/** Why a guest is refused: a label of metrics, so it is one of few. */
export type RefusalReason =
  /** A NetworkPolicy does not allow it. */
  | "policy"
  /** The pod's own list of hosts does not have it. */
  | "allowed-hosts"
  /** A Service has nobody that serves, or no such port. */
  | "no-endpoints"
  /** It is no address of the pod's. */
  | "not-own-address"
  /** The machine's own loopback, which is no pod's. */
  | "node-loopback"
  /** Somebody else has that port of the node's address. */
  | "port-taken"
  /** What has to be known for it could not be learned. */
  | "unknown";

/** All that a decision depends on. Addresses are in their one form. */
export interface NetworkView {
  /** The pod's addresses, the first one being `status.podIP`. */
  readonly podIPs: readonly string[];
  /** What stands for the pod's `127.0.0.1`. @default {it shares the machine's} */
  readonly loopback?: string | undefined;
  /** `shared`: the addresses are the node's, as those of all its pods. `node`: `hostNetwork` wants it so. */
  readonly kind: "own" | "shared" | "node";
  /** Where the pod last listened with that port. */
  boundAt(protocol: TransportProtocol, port: number): "any" | "loopback" | undefined;
  /** True for an address that the node has given to a pod. */
  isPod(ip: string): boolean;
  /** True for an address of this machine, and no pod's. */
  isNode(ip: string): boolean;
  /** True if packets from a pod's address get there, and their answers back. */
  isNear(ip: string): boolean;
  /** Where the cluster's nameserver really is, if that is what the address means. */
  nameserver(to: Endpoint, protocol: TransportProtocol): Endpoint | undefined;
  /** Where a Service leads; `undefined` if none has the address. */
  destination(to: Endpoint, protocol: TransportProtocol): Endpoint | "refused" | undefined;
  /** What the pod's own list of hosts says. */
  mayReach(to: Endpoint): boolean;
  /** What network policies say. */
  judge(
    direction: "ingress" | "egress",
    of: { readonly peer: Endpoint; readonly port: number; readonly protocol: TransportProtocol },
  ): PolicyWord;
}

/** The word of all policies together. */
export interface PolicyWord {
  /** `unknown` as long as it is not known which policies there are. */
  readonly verdict: "allowed" | "refused" | "unknown";
  /** Names of those that limit the pod. */
  readonly policies: readonly string[];
}

/** An answer, and for a refusal its reason. */
export interface Verdict {
  readonly answer: NetworkAnswer;
  /** Absent for all that is allowed. */
  readonly reason?: RefusalReason;
  /** Names of the policies that refuse it. @default {none do} */
  readonly policies?: readonly string[];
}

/** What can be decided without asking anybody else. */
export type DecidableRequest = Exclude<NetworkRequest, { readonly want: "resolve" }>;
type AcceptRequest = Extract<DecidableRequest, { readonly want: "accept" }>;
type ReachRequest = Exclude<DecidableRequest, AcceptRequest>;

/** Decides on one address; touches nothing. */
export function decide(request: DecidableRequest, view: NetworkView): Verdict {
  if (request.want === "accept") return decideAccept(request, view);
  return request.want === "bind" ? decideBind(request.endpoint, view) : decideReach(request, view);
}

function decideBind(endpoint: Endpoint, view: NetworkView): Verdict {
  const { ip, port } = endpoint;
  const { podIPs, loopback, kind } = view;
  if (kind === "node") return { answer: { endpoint } };
  const isOwn = podIPs.includes(ip);
  if (isWildcard(ip)) {
    if (kind === "shared") return { answer: { endpoint } };
    // A socket of IPv6 takes IPv4 as well, and the first address is where everybody looks.
    const own = ip === "::" ? podIPs[0] : podIPs.find((podIP) => sameFamily(podIP, ip));
    if (own !== undefined) return { answer: { endpoint: { ip: own, port } } };
  } else if (isOwn || (isLoopback(ip) && loopback === undefined)) return { answer: { endpoint } };
  else if (isLoopback(ip) && loopback !== undefined && !view.isPod(ip)) {
    return { answer: { endpoint: { ip: loopback, port } } };
  }
  return refusal("addrnotavail", "not-own-address");
}

function decideReach(
  { endpoint, protocol }: ReachRequest,
  view: NetworkView,
): Verdict {
  const nameserver = view.nameserver(endpoint, protocol);
  if (nameserver !== undefined) return reachNameserver(nameserver, view);
  if (isLoopback(endpoint.ip) && !view.isPod(endpoint.ip)) {
    return decideLocal(endpoint, { protocol, view });
  }
  if (view.podIPs.includes(endpoint.ip) && view.kind === "own") return reach(endpoint, view);
  const served = view.destination(endpoint, protocol);
  if (!view.mayReach(endpoint)) return refusal("acces", "allowed-hosts");
  // An endpoint is somebody's word, and must not lead where the pod itself could not go.
  const isBeyond = typeof served === "object" && isLoopback(served.ip) && !view.isPod(served.ip);
  if (served === "refused" || isBeyond) return refusal("connrefused", "no-endpoints");
  const to = served ?? endpoint;
  const said = view.kind === "node"
    ? undefined
    : refusedBy(view.judge("egress", { peer: to, port: to.port, protocol }));
  return said ?? reach(to, view);
}

/** It belongs to the node, which everybody may reach, and has to know who asks. */
function reachNameserver(to: Endpoint, { podIPs, loopback, kind }: NetworkView): Verdict {
  const own = [...(kind === "own" ? podIPs : []), ...(loopback === undefined ? [] : [loopback])];
  const ip = own.find((each) => sameFamily(each, to.ip));
  return { answer: { endpoint: to, ...(ip === undefined ? {} : { source: { ip, port: 0 } }) } };
}

/** What a pod means by `127.0.0.1`: itself. */
function decideLocal(
  endpoint: Endpoint,
  { protocol, view }: { readonly protocol: TransportProtocol; readonly view: NetworkView },
): Verdict {
  const { loopback, podIPs, kind } = view;
  const { port } = endpoint;
  const bound = view.boundAt(protocol, port);
  if (kind === "node") {
    // The node's own servers are no part of the pod, and some of them ask others: those for names do.
    const may = bound !== undefined || view.mayReach(endpoint);
    return may ? { answer: { endpoint } } : refusal("acces", "allowed-hosts");
  }
  if (loopback === undefined) {
    // What listens there and is not the pod's own is the machine's, or another pod's.
    if (bound === undefined) return refusal("connrefused", "node-loopback");
    const ip = kind === "own" && bound === "any" ? podIPs[0] : undefined;
    // It listens at its own address: at the machine's there may be somebody else.
    if (ip !== undefined) return { answer: { endpoint: { ip, port }, source: { ip, port: 0 } } };
    return { answer: { endpoint } };
  }
  const own = podIPs.find((podIP) => sameFamily(podIP, loopback)) ?? podIPs[0];
  // A server on all addresses has but one here, which is the pod's.
  // A socket of IPv6 takes IPv4 as well; the other way there is none.
  const fits = own !== undefined && (endpoint.ip === "::1" || sameFamily(own, endpoint.ip));
  const ip = bound === "any" && fits ? own : loopback;
  return { answer: { endpoint: { ip, port }, source: { ip, port: 0 } } };
}

function reach(to: Endpoint, view: NetworkView): Verdict {
  const { podIPs, kind } = view;
  const source = kind === "own" ? podIPs.find((podIP) => sameFamily(podIP, to.ip)) : undefined;
  const known = source !== undefined &&
    (podIPs.includes(to.ip) || view.isPod(to.ip) || view.isNode(to.ip) || view.isNear(to.ip));
  // Far away nobody can answer the pod's address: there the machine's own stands for it.
  return { answer: { endpoint: to, ...(known ? { source: { ip: source, port: 0 } } : {}) } };
}

function decideAccept(
  { endpoint, local, protocol }: AcceptRequest,
  view: NetworkView,
): Verdict {
  const { podIPs, loopback, kind } = view;
  const { ip } = endpoint;
  const isOwn = podIPs.includes(ip) || ip === loopback || local.ip === loopback;
  // Probes come from the node, and so does what it forwards; but another pod's loopback is no way around.
  const isNode = view.isNode(ip) || NODE_LOOPBACK.has(ip);
  const said = kind === "node" || isOwn || isNode
    ? undefined
    : refusedBy(view.judge("ingress", { peer: endpoint, port: local.port, protocol }));
  return said ?? { answer: { endpoint: local } };
}

/** What the system chooses for whoever says nothing. */
const NODE_LOOPBACK: ReadonlySet<string> = new Set(["127.0.0.1", "::1"]);

function refusedBy({ verdict, policies }: PolicyWord): Verdict | undefined {
  if (verdict === "allowed") return undefined;
  if (verdict === "unknown") return refusal("again", "unknown");
  return { ...refusal("acces", "policy"), policies };
}

/** A verdict that says no. */
export function refusal(refused: NetworkRefusal, reason: RefusalReason): Verdict {
  return { answer: { refused }, reason };
}
