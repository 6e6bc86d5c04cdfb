import type { NetworkRequest } from "../guest_network.ts";
import type { RefusalReason, Verdict } from "./decide.ts";

/** Reasons that somebody set down: those that a program brings upon itself are in metrics only. */
const TOLD: ReadonlySet<RefusalReason> = new Set([
  "policy",
  "allowed-hosts",
  "port-taken",
  "node-loopback",
]);

/** What a pod's events tell of what its guests were refused: each kind once, with the first that met it. */
export class Refusals {
  readonly #told = new Set<string>();

  /** `undefined` for what was told before, or is nobody's wish. */
  eventOf(
    request: NetworkRequest,
    { reason, policies = [] }: Verdict,
  ): { reason: string; message: string } | undefined {
    if (reason === undefined || !TOLD.has(reason)) return undefined;
    const kind = reason === "port-taken"
      ? `${reason} ${portOf(request)}`
      : `${reason} ${request.want}`;
    if (this.#told.size >= TOLD_MAX || this.#told.has(kind)) return undefined;
    this.#told.add(kind);
    if (reason === "port-taken") {
      const message = `Cannot listen at ${
        placeOf(request)
      }: another program of this node has that port`;
      return { reason: "PortTaken", message };
    }
    const names = policies.slice(0, POLICIES_TOLD_MAX).map((name) => ` "${name}"`).join(",");
    return { reason: "NetworkRefused", message: `${wordsOf(request)} ${WHY[reason]}${names}` };
  }
}

/** Names in one event. */
const POLICIES_TOLD_MAX = 5;
/** Events of one pod: ports are a guest's choice. */
const TOLD_MAX = 20;

const WHY: Readonly<Record<RefusalReason, string>> = {
  "policy": "is refused: nothing allows it in NetworkPolicy",
  "allowed-hosts": "is refused: the pod's annotation does not list it",
  "no-endpoints": "is refused: nobody serves there",
  "not-own-address": "is refused: it is no address of the pod",
  "node-loopback":
    "is refused: no program of the pod listens there, and the node's are out of reach",
  "port-taken": "is refused: the port is taken",
  "unknown": "cannot be answered now",
};

function portOf(request: NetworkRequest): number {
  return request.want === "resolve" ? 0 : request.endpoint.port;
}

function wordsOf(request: NetworkRequest): string {
  if (request.want === "resolve") return `Looking up "${request.name.slice(0, NAME_CHARS_MAX)}"`;
  return request.want === "accept"
    ? `A connection from ${request.endpoint.ip} to port ${request.local.port}`
    : `Reaching ${placeOf(request)}`;
}

/** A guest chooses it: more is no name (RFC 1035). */
const NAME_CHARS_MAX = 253;

function placeOf(request: NetworkRequest): string {
  if (request.want === "resolve") return request.name;
  const { endpoint: { ip, port }, protocol } = request;
  return `${ip.includes(":") ? `[${ip}]` : ip}:${port}/${protocol}`;
}
