/**
 * Whether a server for names may be asked in a pod's place, by the rules that limit where the pod may go.
 *
 * @module
 */
import type { Endpoint } from "../../guest_network.ts";
import type { Verdict } from "./judge.ts";
import type { PolicyRules, PortRule, Rule } from "./rules.ts";

/** A server that is asked for names that are not the cluster's. */
export interface NameServer {
  /** Behind a Service, the endpoint that it leads to. @default {it is the machine that asks, by its own means} */
  readonly at?: Endpoint;
  /** True if the node would not ask it, but for this pod's `dnsConfig`. */
  readonly isWished: boolean;
}

/** Where servers for names listen. */
export const DNS_PORT = 53;
/** Over what they are asked. */
export const DNS_PROTOCOLS = ["UDP", "TCP"] as const;

/**
 * What the rules for going out say. Who is asked is the node's choice, so that a rule which opens the port of names
 * to anybody, as to the cluster's own server, is meant for whom the node asks; a server that only the pod
 * names is like every other address. `judge` says what holds for an address.
 */
export function judgeNameServer(
  { at, isWished }: NameServer,
  { limiting, judge }: {
    readonly limiting: readonly PolicyRules[];
    readonly judge: (at: Endpoint, protocol: (typeof DNS_PROTOCOLS)[number]) => Verdict;
  },
): Verdict {
  if (limiting.length === 0) return "allowed";
  const rules = limiting.flatMap(({ egress = [] }) => egress);
  if (!isWished && rules.some(({ ports }) => ports?.some(isForNames))) return "allowed";
  if (at === undefined) return rules.some(isWide) ? "allowed" : "refused";
  const verdicts = DNS_PROTOCOLS.map((protocol) => judge(at, protocol));
  if (verdicts.includes("allowed")) return "allowed";
  return verdicts.includes("unknown") ? "unknown" : "refused";
}

function isForNames(rule: PortRule): boolean {
  return "first" in rule && rule.first <= DNS_PORT && DNS_PORT <= rule.last &&
    DNS_PROTOCOLS.some((protocol) => protocol === rule.protocol);
}

/** Nobody knows whom the machine asks: a rule that is not about pods alone is taken to cover it. */
function isWide({ peers, ports }: Rule): boolean {
  return ports === undefined && (peers === undefined || peers.some(({ kind }) => kind === "block"));
}
