/**
 * Who asks, and may they?
 *
 * @module
 */
import type { TLSSocket } from "node:tls";

/** Who presented a client certificate, in Kubernetes' terms. */
export interface User {
  /** The certificate's common name. */
  readonly name: string;
  /** The certificate's organisations. */
  readonly groups: readonly string[];
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

/** The owner of a client certificate that the cluster's authorities signed; else `undefined`. */
export function authenticate(socket: TLSSocket): User | undefined {
  // False for no certificate, an unknown authority, a wrong purpose, and one that has expired.
  if (socket.authorized !== true) return undefined;
  const subject: unknown = socket.getPeerCertificate()?.subject;
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

/** How long a yes is believed: a kubelet's `webhook.cacheAuthorizedTTL`. */
export const ALLOWED_MS = 5 * 60_000;
/** How long a no is believed: a kubelet's `webhook.cacheUnauthorizedTTL`. */
export const DENIED_MS = 30_000;
/** Answers that are remembered. A stranger needs a certificate for each, so few are enough. */
const ANSWERS_MAX = 1_000;

interface Answer {
  readonly allowed: Promise<boolean>;
  /** `Infinity` while the cluster has not answered. */
  untilMs: number;
}

/**
 * Remembers answers for a while, and asks once for questions that come together. A question that
 * could not be asked is not remembered.
 */
export function rememberAnswers(authorize: Authorize, nowMs: () => number = Date.now): Authorize {
  const answers = new Map<string, Answer>();
  return (user, access) => {
    const key = JSON.stringify([user.name, user.groups, access.verb, access.subresource]);
    const known = answers.get(key);
    if (known !== undefined && nowMs() < known.untilMs) return known.allowed;
    const answer: Answer = { allowed: authorize(user, access), untilMs: Infinity };
    answers.delete(key);
    answers.set(key, answer);
    // A map keeps its order: the first one was asked longest ago.
    if (answers.size > ANSWERS_MAX) answers.delete(answers.keys().next().value!);
    answer.allowed.then(
      (allowed) => answer.untilMs = nowMs() + (allowed ? ALLOWED_MS : DENIED_MS),
      () => {
        if (answers.get(key) === answer) answers.delete(key);
      },
    );
    return answer.allowed;
  };
}
