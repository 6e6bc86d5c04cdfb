/**
 * Who asks, and may they?
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import type { TLSSocket } from "node:tls";
import type { PeerCertificates } from "./peer_certificates.ts";
import { Remembered } from "./remembered.ts";

/** Who asks, in Kubernetes' terms. */
export interface User {
  /** A certificate's common name, or the name behind a token. */
  readonly name: string;
  /** A certificate's organisations, or the groups behind a token. */
  readonly groups: readonly string[];
  /** Only behind a token: tells a user from a later one of the same name. */
  readonly uid?: string;
  /** Only behind a token: what else its issuer says. */
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** What somebody wants to do with this node; the attributes of a SubjectAccessReview. */
export interface NodeAccess {
  readonly verb: "get" | "create" | "update" | "patch" | "delete";
  readonly resource: "nodes";
  /** As `proxy` or `pods`. */
  readonly subresource: string;
  /** The node's name. */
  readonly name: string;
}

/** Asks the cluster whether the user may. Rejects if the cluster cannot be asked. */
export type Authorize = (user: User, access: NodeAccess) => Promise<boolean>;

/** Asks the cluster whose token it is: `undefined` for nobody's. Rejects if it cannot be asked. */
export type AuthenticateToken = (token: string) => Promise<User | undefined>;

/** Knows whose tokens are, and bounds what somebody at an address may ask. */
export interface TokenUsers {
  /** `undefined` for nobody's. Rejects if it cannot be found out. */
  userOf(token: string, peer: string): Promise<User | undefined>;
}

/**
 * Who sends the request: by client certificate, else by bearer token. `undefined` is a stranger, for whom
 * nothing is open. Rejects if the cluster cannot be asked about the token.
 */
export async function authenticate(
  request: IncomingMessage,
  { tokens, certificates }: {
    readonly tokens: TokenUsers;
    readonly certificates: Pick<PeerCertificates, "has">;
  },
): Promise<User | undefined> {
  const socket = request.socket as TLSSocket;
  const byCertificate = certificates.has(socket) ? certificateUser(socket) : undefined;
  if (byCertificate !== undefined) return byCertificate;
  const token = bearerToken(request.headers.authorization);
  return token === undefined ? undefined : await tokens.userOf(token, socket.remoteAddress ?? "");
}

/** The owner of a client certificate that the cluster's authorities signed; else `undefined`. */
function certificateUser(socket: TLSSocket): User | undefined {
  // False for no certificate, an unknown authority, a wrong purpose, and one that has expired.
  if (socket.authorized !== true) return undefined;
  const { subject, valid_to: end } = socket.getPeerCertificate() ?? {};
  // A connection may outlive its certificate; a kubelet looks at each request, too.
  if (end === undefined || !(Date.now() <= Date.parse(end))) return undefined;
  if (typeof subject !== "object" || subject === null) return undefined;
  const name = texts("CN" in subject ? subject.CN : undefined).at(-1);
  if (name === undefined || name === "") return undefined;
  return { name, groups: texts("O" in subject ? subject.O : undefined) };
}

/** A name that occurs once is a text, else an array. */
function texts(value: unknown): string[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((entry) => typeof entry === "string");
}

/** The token of an Authorization header (RFC 6750 §2.1), whose scheme is written in any case. */
export function bearerToken(header: string | undefined): string | undefined {
  return /^bearer +([\w.~+/=-]+) *$/i.exec(header ?? "")?.[1];
}

/** How long a yes is believed: a kubelet's `webhook.cacheAuthorizedTTL`. */
export const ALLOWED_MS = 5 * 60_000;
/** How long a no is believed: a kubelet's `webhook.cacheUnauthorizedTTL`. */
export const DENIED_MS = 30_000;
/** How long a token is believed to be somebody's: a kubelet's `authentication.webhook.cacheTTL`. */
export const TOKEN_MS = 2 * 60_000;
/** How long it is believed to be nobody's, so that who repeats it does not load the API server. */
export const NO_TOKEN_MS = 10_000;
/** Answers of each kind that are remembered: some hundred bytes each. */
const ANSWERS_MAX = 1_000;

/** Remembers answers for a while, and asks once for questions that come together. */
export function rememberAnswers(authorize: Authorize, nowMs?: () => number): Authorize {
  const answers = new Remembered<boolean>({
    entriesMax: ANSWERS_MAX,
    keepMs: (allowed) => allowed ? ALLOWED_MS : DENIED_MS,
    isGood: (allowed) => allowed,
    ...(nowMs === undefined ? {} : { nowMs }),
  });
  return (user, access) => {
    const { name, groups, uid, extra } = user;
    const key = JSON.stringify([name, groups, uid, extra, access.verb, access.subresource]);
    return answers.get(key, () => authorize(user, access));
  };
}
