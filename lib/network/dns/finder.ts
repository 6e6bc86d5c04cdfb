/**
 * Finding a full name: in the cluster, or by other servers.
 *
 * @module
 */
import type { Pod } from "../../api/types.ts";
import type { TransportProtocol } from "../../guest_network.ts";
import { NameRefused } from "../name_refused.ts";
import type { ServiceTable } from "../services/table.ts";
import { askCluster, type ClusterAnswer } from "./cluster_names.ts";
import { RCODE, readReply, RECORD_TYPE, type Reply } from "./message.ts";
import { formatName, type Labels } from "./name.ts";
import type { NodeDns } from "./node_dns.ts";
import { type PodDns, podDns } from "./pod_dns.ts";
import type { Upstream } from "./upstream.ts";
import { writeQuery } from "./write_message.ts";

/** What names of pods come from; shared by the server and the resolver. */
export interface DnsSources {
  readonly table: ServiceTable;
  /** The cluster's own domain. */
  readonly domain: Labels;
  /** Servers for names, in the place of the node's own. */
  readonly clusterDns: readonly string[];
  /** What the node itself asks. */
  readonly node: NodeDns;
  readonly upstream: Upstream;
  /** Whether a server may be asked in the pod's place. @default {all may} */
  readonly mayAsk?:
    | ((pod: Pod, server: AskedServer) => "allowed" | "refused" | "unknown")
    | undefined;
  /** The machine's own way, where nobody says whom it asks. */
  readonly lookup: (name: string) => Promise<readonly string[]>;
  /** Ends all questions. */
  readonly signal: AbortSignal;
}

/** A server that would be asked for names that are not the cluster's. */
export interface AskedServer {
  /** @default {it is the machine that asks, by its own means} */
  readonly ip?: string;
  /** True if only the pod's own `dnsConfig` names it. */
  readonly isWished: boolean;
}

/** What comes of asking for the addresses of a name. */
export interface Found {
  /** IPv4 first; none if the name has no address. */
  readonly addresses: readonly string[];
  /** How long that holds. */
  readonly ttlSeconds: number;
}

/** Names that stand for names that stand for names: so many steps (as CoreDNS). */
const ALIASES_MAX = 8;
/** "There is none" holds so long, if nobody says how long. */
const NEGATIVE_TTL_SECONDS = 5;
/** As long as the machine's own lookups: it tells no time. */
const LOOKUP_TTL_SECONDS = 5;
const ADDRESS_TYPES = [RECORD_TYPE.A, RECORD_TYPE.AAAA];

/** Finds names for pods. */
export class NameFinder {
  readonly #sources: DnsSources;

  constructor(sources: DnsSources) {
    this.#sources = sources;
  }

  /** The cluster's own domain. */
  get domain(): Labels {
    return this.#sources.domain;
  }

  /** Whom a pod asks. */
  async dnsOf(pod: Pod): Promise<PodDns> {
    const { domain, clusterDns, node } = this.#sources;
    return this.#limit(podDns(pod, { domain, clusterDns, node: await node.read() }), pod);
  }

  /** Leaves out the servers that may not be asked in the pod's place. */
  #limit(dns: PodDns, pod: Pod): PodDns {
    const { mayAsk } = this.#sources;
    if (mayAsk === undefined) return dns;
    const servers = dns.upstream.length === 0
      ? [{ isWished: false }]
      : dns.upstream.map((ip) => ({ ip, isWished: dns.wished.includes(ip) }));
    const judged = servers.map((server) => ({ server, verdict: mayAsk(pod, server) }));
    const upstream = judged.flatMap(({ server, verdict }) =>
      verdict === "allowed" && "ip" in server ? [server.ip] : []
    );
    if (judged.some(({ verdict }) => verdict === "allowed")) return { ...dns, upstream };
    const unknown = judged.some(({ verdict }) => verdict === "unknown");
    return { ...dns, upstream, closed: unknown ? "unknown" : "refused" };
  }

  /** What the cluster says of a name; `outside` for pods that do not ask it. */
  cluster(question: { name: Labels; type: number }, { cluster }: PodDns): ClusterAnswer {
    const { table, domain } = this.#sources;
    return cluster ? askCluster(question, { table, domain }) : { kind: "outside" };
  }

  /**
   * All addresses of a full name. Rejects if that cannot be told now; with {@linkcode NameRefused} if nobody may be
   * asked for it.
   *
   * @param signal ends the question.
   */
  async addresses(
    name: Labels,
    { dns, signal, aliases = 0 }: {
      readonly dns: PodDns;
      readonly signal: AbortSignal;
      readonly aliases?: number;
    },
  ): Promise<Found> {
    const answers = ADDRESS_TYPES.map((type) => this.cluster({ name, type }, dns));
    if (answers.some(({ kind }) => kind === "unknown")) {
      throw new Error("the node does not know the cluster's Services now");
    }
    if (answers.some(({ kind }) => kind === "outside")) {
      return await this.#outside(name, { dns, signal });
    }
    const found = answers.flatMap((answer) => answer.kind === "found" ? [answer] : []);
    const alias = found.find((answer) => answer.alias !== undefined)?.alias;
    if (alias === undefined || aliases >= ALIASES_MAX) {
      const records = found.flatMap((answer) => answer.answers);
      const ips = records.flatMap((one) => one.type === "A" || one.type === "AAAA" ? [one.ip] : []);
      const [four, six] = [false, true].map((is) => ips.filter((ip) => ip.includes(":") === is));
      return { addresses: [...shuffle(four ?? []), ...shuffle(six ?? [])], ttlSeconds: 0 };
    }
    return await this.addresses(alias, { dns, signal, aliases: aliases + 1 });
  }

  /** Passes a question on as it is. Rejects if nobody answers; with {@linkcode NameRefused} if nobody may be asked. */
  async pass(
    query: Uint8Array,
    { dns, over, signal }: {
      readonly dns: PodDns;
      readonly over: TransportProtocol;
      readonly signal: AbortSignal;
    },
  ): Promise<Uint8Array> {
    mustBeOpen(dns);
    const { timeoutMs, attempts } = dns.patience;
    const { upstream } = this.#sources;
    const how = { asker: dns.asker, servers: dns.upstream, over, timeoutMs, attempts, signal };
    return await upstream.ask(query, how);
  }

  async #outside(
    name: Labels,
    { dns, signal }: { readonly dns: PodDns; readonly signal: AbortSignal },
  ): Promise<Found> {
    mustBeOpen(dns);
    if (dns.upstream.length === 0) {
      const addresses = await this.#sources.lookup(formatName(name));
      return { addresses, ttlSeconds: LOOKUP_TTL_SECONDS };
    }
    const replies = await Promise.all(ADDRESS_TYPES.map(async (type): Promise<Reply> => {
      const query = writeQuery(name, { id: 0, type });
      const reply = readReply(await this.pass(query, { dns, over: "udp", signal }));
      if (!reply.truncated) return reply;
      return readReply(await this.pass(query, { dns, over: "tcp", signal }));
    }));
    const [bad] = replies.filter(({ rcode }) => rcode !== RCODE.noError && rcode !== RCODE.noName);
    const found = replies.flatMap((reply) => followAliases(reply));
    const addresses = found.flatMap(({ ip }) => ip ?? []);
    if (bad !== undefined && addresses.length === 0) {
      throw new Error(`the server for names has answered with code ${bad.rcode}`);
    }
    const ttls = found.map(({ ttlSeconds }) => ttlSeconds);
    return {
      addresses,
      ttlSeconds: addresses.length === 0 ? NEGATIVE_TTL_SECONDS : Math.min(...ttls),
    };
  }
}

function mustBeOpen({ closed }: PodDns): void {
  if (closed === "refused") throw new NameRefused("its policies let nobody be asked for names");
  if (closed === "unknown") throw new Error("the node does not know the pod's policies now");
}

/** The records on the way from the question to its addresses: an answer may hold others as well. */
export function followAliases({ question, answers }: Reply): Reply["answers"] {
  const found: Reply["answers"][number][] = [];
  let name = key(question.name);
  for (let step = 0; step <= ALIASES_MAX; step++) {
    const own = answers.filter((one) => key(one.name) === name);
    const addresses = own.filter(({ ip }) => ip !== undefined);
    if (addresses.length > 0) return [...found, ...addresses];
    const alias = own.find(({ type, target }) =>
      type === RECORD_TYPE.CNAME && target !== undefined
    );
    if (alias?.target === undefined) return [];
    found.push(alias);
    name = key(alias.target);
  }
  return [];
}

/** True for the same name; capitals and small letters do not count. */
export function sameName(one: Labels, other: Labels): boolean {
  return key(one) === key(other);
}

function key(name: Labels): string {
  return formatName(name).toLowerCase();
}

/** Who takes the first of several shall not always take the same. */
export function shuffle<T>(items: readonly T[]): T[] {
  const mixed = [...items];
  for (let at = mixed.length - 1; at > 0; at--) {
    const other = Math.floor(Math.random() * (at + 1));
    [mixed[at], mixed[other]] = [mixed[other]!, mixed[at]!];
  }
  return mixed;
}
