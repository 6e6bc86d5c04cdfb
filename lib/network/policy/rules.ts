/**
 * NetworkPolicies, read once so that questions are quick (`networking.k8s.io/v1`).
 *
 * An API server accepts well-formed policies only. Should one be malformed nevertheless, it limits more pods
 * rather than fewer, and what is malformed in it allows nothing.
 *
 * @module
 */
import type { NetworkPolicy } from "../../api/types.ts";
import { type Cidr, parseCidr } from "../ip.ts";
import { compileSelector, EVERYTHING, isObject, namesChosen, type Selector } from "./selector.ts";

/** Seen from the limited pod: what comes in, and what goes out. */
export type Direction = "ingress" | "egress";

/** A NetworkPolicy as a question needs it. */
export interface PolicyRules {
  /** Only pods of this namespace can be limited. */
  readonly namespace: string;
  readonly name: string;
  /** Which pods of the namespace are limited. */
  readonly selects: Selector;
  /** What may come in; `undefined` if the policy does not limit it. */
  readonly ingress: readonly Rule[] | undefined;
  /** What may go out; `undefined` if the policy does not limit it. */
  readonly egress: readonly Rule[] | undefined;
}

/** Allows what comes from (or goes to) one of the peers, to one of the ports. */
export interface Rule {
  /** `undefined`: everybody. */
  readonly peers: readonly Peer[] | undefined;
  /** `undefined`: all, of every protocol. */
  readonly ports: readonly PortRule[] | undefined;
}

/** Whom a rule is about. */
export type Peer =
  /** Addresses, whoever has them. */
  | { readonly kind: "block"; readonly cidr: Cidr; readonly except: readonly Cidr[] }
  /** Pods with fitting labels in these namespaces. */
  | {
    readonly kind: "pods";
    readonly namespaces: NamespaceChoice;
    readonly selects: Selector;
  };

/** Some namespaces: by their names, or by their labels. */
export type NamespaceChoice = ReadonlySet<string> | Selector;

/** Ports of the pod that is spoken to. */
export type PortRule =
  /** The one that it calls so. */
  | { readonly protocol: string; readonly name: string }
  /** All from `first` to `last`. */
  | { readonly protocol: string; readonly first: number; readonly last: number };

const PROTOCOLS: readonly unknown[] = ["TCP", "UDP", "SCTP"];
const PORT_MAX = 65_535;

/** Reads a policy. Never throws. */
export function compilePolicy({ metadata, spec }: NetworkPolicy): PolicyRules {
  const { namespace = "default", name = "" } = metadata ?? {};
  const given: Record<string, unknown> = isObject(spec) ? spec : {};
  const limited = directions(given);
  return {
    namespace,
    name,
    selects: compileSelector(given.podSelector) ?? EVERYTHING,
    ingress: limited.has("Ingress") ? rules(given.ingress, { namespace, side: "from" }) : undefined,
    egress: limited.has("Egress") ? rules(given.egress, { namespace, side: "to" }) : undefined,
  };
}

/** What a policy limits; by default (as the API server has it) what comes in, and what there are rules for. */
function directions({ policyTypes, egress }: Record<string, unknown>): ReadonlySet<unknown> {
  const types: unknown[] = Array.isArray(policyTypes) ? policyTypes : [];
  if (types.length === 0) {
    const isEmpty = egress === undefined || egress === null ||
      Array.isArray(egress) && egress.length === 0;
    return new Set(isEmpty ? ["Ingress"] : ["Ingress", "Egress"]);
  }
  const areKnown = types.every((type) => type === "Ingress" || type === "Egress");
  return new Set(areKnown ? types : ["Ingress", "Egress"]);
}

interface Place {
  /** The policy's. */
  readonly namespace: string;
  /** The field that holds the peers. */
  readonly side: "from" | "to";
}

function rules(given: unknown, place: Place): Rule[] {
  if (!Array.isArray(given)) return [];
  return given.flatMap((rule: unknown) => {
    if (!isObject(rule)) return [];
    const peers = some(rule[place.side], (peer) => peerOf(peer, place));
    const ports = some(rule.ports, portOf);
    return peers === "malformed" || ports === "malformed" ? [] : [{ peers, ports }];
  });
}

/** What is well-formed in a list; `undefined` for an absent or empty one, which stands for everything. */
function some<T>(
  list: unknown,
  read: (item: unknown) => T | undefined,
): T[] | undefined | "malformed" {
  if (list === undefined || list === null) return undefined;
  if (!Array.isArray(list)) return "malformed";
  return list.length === 0 ? undefined : list.flatMap((item) => read(item) ?? []);
}

function peerOf(peer: unknown, { namespace }: Place): Peer | undefined {
  if (!isObject(peer)) return undefined;
  const { ipBlock, podSelector, namespaceSelector } = peer;
  if (isGiven(ipBlock)) {
    return isGiven(podSelector) || isGiven(namespaceSelector) ? undefined : blockOf(ipBlock);
  }
  if (!isGiven(podSelector) && !isGiven(namespaceSelector)) return undefined;
  const selects = compileSelector(podSelector);
  const namespaces = isGiven(namespaceSelector)
    ? namesChosen(namespaceSelector) ?? compileSelector(namespaceSelector)
    : new Set([namespace]);
  if (selects === undefined || namespaces === undefined) return undefined;
  return { kind: "pods", namespaces, selects };
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function blockOf(block: unknown): Peer | undefined {
  if (!isObject(block)) return undefined;
  const except = block.except ?? [];
  if (!Array.isArray(except)) return undefined;
  const [cidr, ...exceptions] = [block.cidr, ...except].map((text) =>
    typeof text === "string" ? parseCidr(text) : undefined
  );
  if (cidr === undefined || !exceptions.every((range) => range !== undefined)) return undefined;
  return { kind: "block", cidr, except: exceptions };
}

function portOf(given: unknown): PortRule | undefined {
  if (!isObject(given)) return undefined;
  const protocol = given.protocol ?? "TCP";
  const { port, endPort } = given;
  if (typeof protocol !== "string" || !PROTOCOLS.includes(protocol)) return undefined;
  if (!isGiven(port)) {
    return isGiven(endPort) ? undefined : { protocol, first: 0, last: PORT_MAX };
  }
  if (typeof port === "string") {
    return isGiven(endPort) || port === "" ? undefined : { protocol, name: port };
  }
  const last = endPort ?? port;
  if (!isPort(port) || !isPort(last) || last < port) return undefined;
  return { protocol, first: port, last };
}

function isPort(port: unknown): port is number {
  return typeof port === "number" && Number.isInteger(port) && port > 0 && port <= PORT_MAX;
}
