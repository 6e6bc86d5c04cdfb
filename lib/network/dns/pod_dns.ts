/**
 * Whom a pod asks for names: `dnsPolicy` and `dnsConfig`, as a kubelet takes them.
 *
 * @module
 */
import type { Pod } from "../../api/types.ts";
import { formatIp, normalizeIp, parseIp, unmapIp } from "../ip.ts";
import { isLoopback, isWildcard } from "../kinds_of_address.ts";
import { formatName, type Labels } from "./name.ts";
import { readResolverOptions, type ResolvConf, type ResolverOptions } from "./resolv_conf.ts";

/** What the node says. */
export interface DnsSettings {
  /** The cluster's own domain. */
  readonly domain: Labels;
  /** Servers for the cluster's names, in the place of the node's own (`--cluster-dns`). */
  readonly clusterDns: readonly string[];
  /** What the node itself asks (`--resolv-conf`). */
  readonly node: ResolvConf;
}

/** Whom a pod asks. */
export interface PodDns {
  /** What the pod finds in its file. */
  readonly file: ResolvConf;
  /** The pod's UID: who has asked, where each may ask its part. */
  readonly asker: string;
  /** True if the cluster's names are for it. */
  readonly cluster: boolean;
  /** Who is asked for all other names. Empty: the machine, by its own means. */
  readonly upstream: readonly string[];
  /** Those of them that the node would not ask, but for this pod. */
  readonly wished: readonly string[];
  /** Why none may be asked. @default {they may} */
  readonly closed?: "refused" | "unknown";
  /** How those are asked. */
  readonly patience: Pick<ResolverOptions, "timeoutMs" | "attempts">;
  /** What of its wishes is left out, as a kubelet words it. */
  readonly left: readonly string[];
}

/** Where pods find the node's own server: link-local, and no machine's. */
export const DNS_IP = "169.254.20.10";
/** As a kubelet's limits, which are those of C libraries. */
export const NAMESERVERS_MAX = 3;
export const SEARCHES_MAX = 32;
export const SEARCH_CHARS_MAX = 2_048;
const CLUSTER_OPTIONS = ["ndots:5"];

/** Says whom a pod asks. Touches nothing. */
export function podDns({ metadata, spec }: Pod, settings: DnsSettings): PodDns {
  const { domain, clusterDns, node } = settings;
  const kind = kindOf(spec);
  const wishes = spec?.dnsConfig ?? {};
  const wished = (wishes.nameservers ?? []).flatMap((text) => normalizeIp(text) ?? []);
  const cluster = kind === "cluster";
  const base: Record<typeof kind, ResolvConf> = {
    none: { nameservers: [], searches: [], options: [] },
    node: { ...node, nameservers: reachable(node.nameservers) },
    cluster: {
      nameservers: clusterDns.length > 0 ? clusterDns : [DNS_IP],
      searches: [...clusterSearches(metadata?.namespace ?? "", domain), ...node.searches],
      options: CLUSTER_OPTIONS,
    },
  };
  const { nameservers, searches, options } = base[kind];
  const own = cluster && clusterDns.length > 0 ? clusterDns : node.nameservers;
  const fitting = fit({
    nameservers: unique([...nameservers, ...wished]),
    searches: unique([...searches, ...wishes.searches ?? []]),
    options: mergeOptions(options, wishes.options ?? []),
  });
  const nodes = kind === "none" ? [] : own;
  const elsewhere = wished.filter(isElsewhere).filter((ip) => !nodes.includes(ip));
  return {
    ...fitting,
    asker: metadata?.uid ?? "",
    cluster,
    // The options of a pod that asks the cluster are for asking us.
    patience: readResolverOptions(cluster ? node.options : fitting.file.options),
    upstream: unique([...nodes, ...elsewhere]).filter((ip) => ip !== DNS_IP),
    wished: elsewhere,
  };
}

function kindOf(spec: Pod["spec"]): "cluster" | "node" | "none" {
  const { dnsPolicy = "ClusterFirst", hostNetwork } = spec ?? {};
  if (dnsPolicy === "None") return "none";
  if (dnsPolicy === "ClusterFirstWithHostNet") return "cluster";
  return dnsPolicy === "ClusterFirst" && hostNetwork !== true ? "cluster" : "node";
}

function clusterSearches(namespace: string, domain: Labels): string[] {
  const name = formatName(domain);
  return [`${namespace}.svc.${name}`, `svc.${name}`, name];
}

/** The node asks in the pod's place: what the pod calls its loopback must not become the node's. */
function isElsewhere(text: string): boolean {
  const ip = formatIp(unmapIp(parseIp(text)!));
  return !isLoopback(ip) && !isWildcard(ip);
}

/** A server on the machine's own loopback is out of a pod's reach: the node's own server asks it. */
function reachable(nameservers: readonly string[]): readonly string[] {
  const others = nameservers.map((ip) => /^127\.|^::1$/.test(ip) ? DNS_IP : ip);
  return others.length > 0 ? unique(others) : [DNS_IP];
}

function mergeOptions(
  options: readonly string[],
  wishes: readonly { readonly name?: string; readonly value?: string }[],
): string[] {
  const merged = new Map(options.map((option) => [option.split(":")[0]!, option]));
  for (const { name, value } of wishes) {
    if (name) merged.set(name, value === undefined || value === "" ? name : `${name}:${value}`);
  }
  return [...merged.values()];
}

function fit(wanted: ResolvConf): { readonly file: ResolvConf; readonly left: string[] } {
  const left: string[] = [];
  const nameservers = wanted.nameservers.slice(0, NAMESERVERS_MAX);
  if (nameservers.length < wanted.nameservers.length) {
    left.push(
      "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver " +
        `line is: ${nameservers.join(" ")}`,
    );
  }
  let searches = wanted.searches.slice(0, SEARCHES_MAX);
  while (searches.join(" ").length > SEARCH_CHARS_MAX) searches = searches.slice(0, -1);
  if (searches.length < wanted.searches.length) {
    left.push(
      "Search Line limits were exceeded, some search paths have been omitted, the applied search " +
        `line is: ${searches.join(" ")}`,
    );
  }
  return { file: { nameservers, searches, options: wanted.options }, left };
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
