/**
 * What a server for pods answers to a message.
 *
 * @module
 */
import type { Pod } from "../../api/types.ts";
import { Deadline } from "../../api/deadline.ts";
import type { TransportProtocol } from "../../guest_network.ts";
import { NameRefused } from "../name_refused.ts";
import { CLUSTER_TTL_SECONDS, type ClusterAnswer } from "./cluster_names.ts";
import { followAliases, type NameFinder, sameName, shuffle } from "./finder.ts";
import {
  CLASS_INTERNET,
  isReply,
  messageId,
  type Query,
  RCODE,
  readQuery,
  readReply,
  RECORD_TYPE,
} from "./message.ts";
import { formatName, type Labels } from "./name.ts";
import { RESOLVE_MS_MAX } from "./names.ts";
import type { PodDns } from "./pod_dns.ts";
import { type OwnRecord, type OwnReply, writeRefusal, writeReply } from "./write_message.ts";

/** The names that a pod limits itself to. */
export interface NameLimits {
  /** True if the pod may look up the name. */
  mayResolve(name: string): boolean;
  /** The pod is told these addresses of the name. */
  learned(name: string, addresses: readonly string[]): void;
}

/** Who asks, and how. */
export interface Asker {
  readonly pod: Pod;
  /** @default {it may look up everything} */
  readonly limits?: NameLimits | undefined;
  /** Told why a name was not looked up. @default {nobody is} */
  readonly onRefused?: ((name: string, reason: "allowed-hosts" | "policy") => void) | undefined;
  readonly over: TransportProtocol;
  readonly signal: AbortSignal;
}

/** Larger questions are none: a name has 255 bytes. */
export const QUERY_BYTES_MAX = 4_096;
/** Transfers of whole zones, and other types that only servers ask each other for (RFC 6895, 3.1). */
const SERVERS_TYPES: ReadonlySet<number> = new Set([249, 250, 251, 252]);

/**
 * The answer to a message of a pod; nothing to what is no question at all. Never rejects: what cannot
 * be told now is a failure that programs know (SERVFAIL).
 */
export async function answerMessage(
  bytes: Uint8Array,
  { finder, asker, timeoutMs = RESOLVE_MS_MAX }: {
    readonly finder: NameFinder;
    readonly asker: Asker;
    /** For tests. @default {RESOLVE_MS_MAX} */
    readonly timeoutMs?: number;
  },
): Promise<Uint8Array | undefined> {
  const id = messageId(bytes);
  if (id === undefined || isReply(bytes)) return undefined;
  let query: Query;
  try {
    if (bytes.length > QUERY_BYTES_MAX) throw new RangeError("it is too long");
    query = readQuery(bytes);
  } catch {
    return writeRefusal(id, RCODE.formError);
  }
  const write = (reply: OwnReply): Uint8Array => writeReply(query, { ...reply, over: asker.over });
  const refusal = refusalOf(query);
  if (refusal !== undefined) return write(failed(refusal));
  const name = formatName(query.question.name);
  // A program then goes on to the next name of its search path, as for one that there is not.
  if (asker.limits?.mayResolve(name) === false) {
    asker.onRefused?.(name, "allowed-hosts");
    return write(failed(RCODE.noName));
  }
  // A pod says itself how long its servers may take, and nobody waits that long.
  using deadline = new Deadline(asker.signal);
  deadline.restart(timeoutMs);
  const reply = await replyTo(query, {
    bytes,
    finder,
    asker: { ...asker, signal: deadline.signal },
  });
  if (asker.limits !== undefined) asker.limits.learned(name, addressesIn(reply, query));
  return reply;
}

/** The addresses that a reply has for the question; none in what cannot be read. */
function addressesIn(bytes: Uint8Array, { question }: Query): string[] {
  try {
    const reply = readReply(bytes);
    if (reply.question.type !== question.type || !sameName(reply.question.name, question.name)) {
      return [];
    }
    return followAliases(reply).flatMap(({ ip }) => ip ?? []);
  } catch {
    return [];
  }
}

async function replyTo(
  query: Query,
  { bytes, finder, asker }: {
    readonly bytes: Uint8Array;
    readonly finder: NameFinder;
    readonly asker: Asker;
  },
): Promise<Uint8Array> {
  const write = (reply: OwnReply): Uint8Array => writeReply(query, { ...reply, over: asker.over });
  try {
    const dns = await finder.dnsOf(asker.pod);
    const answer = finder.cluster(query.question, dns);
    if (answer.kind !== "outside") {
      return write(await ownReply(answer, { query, dns, finder, asker }));
    }
    if (dns.upstream.length === 0 && dns.closed === undefined) {
      return write(await byLookup({ query, dns, finder, asker }));
    }
    return await finder.pass(bytes, { dns, over: asker.over, signal: asker.signal });
  } catch (error) {
    if (!(error instanceof NameRefused)) return write(failed(RCODE.serverFailure));
    asker.onRefused?.(formatName(query.question.name), "policy");
    return write(failed(RCODE.refused));
  }
}

interface Work {
  readonly query: Query;
  readonly dns: PodDns;
  readonly finder: NameFinder;
  readonly asker: Asker;
}

function refusalOf({ opcode, question, edns }: Query): number | undefined {
  if (opcode !== 0) return RCODE.notImplemented;
  if (question.class !== CLASS_INTERNET || SERVERS_TYPES.has(question.type)) return RCODE.refused;
  // The writer says which version of EDNS it speaks, and nothing else counts then.
  return (edns?.version ?? 0) > 0 ? RCODE.noError : undefined;
}

function failed(rcode: number): OwnReply {
  return { rcode, authoritative: false, ttlSeconds: 0 };
}

async function ownReply(answer: ClusterAnswer, work: Work): Promise<OwnReply> {
  if (answer.kind === "unknown") return failed(RCODE.serverFailure);
  const base = { rcode: RCODE.noError, authoritative: true, ttlSeconds: CLUSTER_TTL_SECONDS };
  const zone: OwnRecord = {
    type: "SOA",
    name: work.finder.domain,
    negativeSeconds: CLUSTER_TTL_SECONDS,
  };
  if (answer.kind !== "found") return { ...base, rcode: RCODE.noName, authorities: [zone] };
  if (answer.answers.length === 0) return { ...base, authorities: [zone] };
  const { alias, additionals } = answer;
  // An alias stays in front of what it leads to.
  const answers = alias === undefined
    ? shuffle(answer.answers)
    : [...answer.answers, ...await addressRecords(alias, work)];
  return { ...base, answers, additionals };
}

/** Where nobody says whom the machine asks, it can be asked for addresses only. */
async function byLookup(work: Work): Promise<OwnReply> {
  const answers = await addressRecords(work.query.question.name, work);
  return { ...failed(RCODE.noError), ttlSeconds: CLUSTER_TTL_SECONDS, answers };
}

/** The addresses of another name, of the type that is asked for. */
async function addressRecords(name: Labels, work: Work): Promise<OwnRecord[]> {
  const { query: { question }, dns, finder, asker: { signal } } = work;
  const wanted = ([["A", RECORD_TYPE.A], ["AAAA", RECORD_TYPE.AAAA]] as const)
    .flatMap(([word, type]) => question.type === type ? [word] : []);
  if (wanted.length === 0) return [];
  const { addresses } = await finder.addresses(name, { dns, signal });
  return addresses.flatMap((ip): OwnRecord[] => {
    const type = ip.includes(":") ? "AAAA" : "A";
    return wanted.includes(type) ? [{ type, name, ip }] : [];
  });
}
