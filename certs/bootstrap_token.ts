/**
 * Bootstrap tokens: the short-lived secret that lets a machine ask to become a node.
 *
 * @module
 */
import { CertificateError, httpStatusOf, messageOf } from "./errors.ts";

/** A bootstrap token in its two parts; only `id` may be shown. */
export interface BootstrapToken {
  /** 6 characters of `[a-z0-9]`: the public half. */
  readonly id: string;
  /** 16 characters of `[a-z0-9]`: the secret half. */
  readonly secret: string;
}

/** An object of the Kubernetes API. */
export interface KubernetesObject {
  /** Group and version, as `rbac.authorization.k8s.io/v1`; without a group `v1`. */
  readonly apiVersion: string;
  /** As `Secret`. */
  readonly kind: string;
  /** Its name, and its namespace where its kind has one. */
  readonly metadata: { readonly name: string; readonly namespace?: string };
  /** Everything else, by the kind. */
  readonly [field: string]: unknown;
}

/** Which object; no namespace means that its kind has none. */
export interface ObjectReference {
  /** Group and version, as `rbac.authorization.k8s.io/v1`; without a group `v1`. */
  readonly apiVersion: string;
  /** As `Secret`. */
  readonly kind: string;
  /** Where it is. @default {nowhere: its kind has no namespaces} */
  readonly namespace?: string;
  /** Its name. */
  readonly name: string;
}

/**
 * The part of an administrator's client that making tokens needs: Secrets (`v1`) and
 * ClusterRoleBindings (`rbac.authorization.k8s.io/v1`).
 *
 * An answer that is not a success rejects with an error whose `status` is the HTTP status.
 */
export interface BootstrapObjects {
  /** Makes the object. */
  create(object: KubernetesObject, signal?: AbortSignal): Promise<unknown>;
  /** `undefined` if there is none. */
  get(reference: ObjectReference, signal?: AbortSignal): Promise<KubernetesObject | undefined>;
}

/** The group that the token's holder is in, as kubeadm's tokens and Krustlet's. */
export const BOOTSTRAP_GROUP = "system:bootstrappers:kubeadm:default-node-token";
/** As Krustlet's script. */
export const TOKEN_TTL_MS_DEFAULT = 60 * 60 * 1_000;

/**
 * Makes a token and stores it in the cluster, as Secret `kube-system/bootstrap-token-<id>`.
 *
 * @throws {CertificateError} `invalid` if `ttlMs` is not positive; `forbidden` or `refused` if the
 * API server says so.
 */
export async function createBootstrapToken(
  objects: BootstrapObjects,
  options: {
    /** How long the token is good for. @default {1 hour} */
    readonly ttlMs?: number;
    /** @default {Date.now} */
    readonly nowMs?: number;
    readonly signal?: AbortSignal;
  } = {},
): Promise<{ readonly token: BootstrapToken; readonly expiresMs: number }> {
  const expiresMs = expirationMs(options);
  for (let attempt = 1;; attempt++) {
    const token = newBootstrapToken();
    try {
      await objects.create(bootstrapTokenSecret(token, { expiresMs }), options.signal);
      return { token, expiresMs };
    } catch (error) {
      if (httpStatusOf(error) === 409 && attempt < ATTEMPTS_MAX) continue;
      throw adminError(`Secret "kube-system/bootstrap-token-${token.id}"`, error);
    }
  }
}

/**
 * When a token ends that is made now, in ms since 1970.
 *
 * @throws {CertificateError} `invalid` if that is no time that a token can live.
 */
export function expirationMs(
  options: { readonly ttlMs?: number; readonly nowMs?: number },
): number {
  const ttlMs = options.ttlMs ?? TOKEN_TTL_MS_DEFAULT;
  // A second is what the expiration can tell apart; without an end there would be no limit.
  const expiresMs = (options.nowMs ?? Date.now()) + ttlMs;
  if (!(ttlMs >= 1_000) || !(expiresMs <= EXPIRATION_MS_MAX)) {
    throw new CertificateError(
      "invalid",
      `Cannot make token for ${ttlMs / 1_000} s: a token lives at least a second and has an end; ` +
        `set another time to live`,
    );
  }
  return expiresMs;
}

/** Makes a token from the system's randomness; every character is equally likely. */
export function newBootstrapToken(): BootstrapToken {
  return { id: randomText(6), secret: randomText(16) };
}

/** The token as it is sent: `<id>.<secret>`. */
export function bootstrapTokenText(token: BootstrapToken): string {
  return `${token.id}.${token.secret}`;
}

/** The Secret that makes a token known to the API server. */
export function bootstrapTokenSecret(
  token: BootstrapToken,
  options: { readonly expiresMs: number },
): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: `bootstrap-token-${token.id}`, namespace: "kube-system" },
    type: "bootstrap.kubernetes.io/token",
    stringData: {
      description: `Lets a machine ask to become a node; made by "krustlet bootstrap"`,
      "token-id": token.id,
      "token-secret": token.secret,
      expiration: new Date(options.expiresMs).toISOString().replace(/\.\d+Z$/, "Z"),
      "usage-bootstrap-authentication": "true",
      "usage-bootstrap-signing": "true",
      "auth-extra-groups": BOOTSTRAP_GROUP,
    },
  };
}

/** The error to end an administrator's command with. */
export function adminError(what: string, error: unknown): CertificateError {
  const code = httpStatusOf(error) === 403 ? "forbidden" : "refused";
  const advice = code === "forbidden" ? "; run this as a cluster administrator" : "";
  return new CertificateError(code, `Cannot make ${what}: ${messageOf(error)}${advice}`, {
    cause: error,
  });
}

const ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";
/** The largest multiple of the alphabet's size in a byte: bytes beyond would favour some letters. */
const FAIR_BYTES = 256 - 256 % ALPHABET.length;
/** Ids are 36^6: a second clash is no accident. */
const ATTEMPTS_MAX = 3;
/** 9999-12-31T23:59:59Z, the last second that RFC 3339 can write. */
const EXPIRATION_MS_MAX = 253_402_300_799_000;

function randomText(length: number): string {
  let text = "";
  while (text.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length))) {
      if (byte < FAIR_BYTES && text.length < length) text += ALPHABET[byte % ALPHABET.length];
    }
  }
  return text;
}
