import type { ObjectSource } from "../api/object_source.ts";
import type { Pod, TokenRequest, VolumeProjection } from "../api/types.ts";
import { KubeletError } from "../errors.ts";
import { beginAge, CLOCKS, type Clocks } from "../time.ts";

/** The API's own default. */
const EXPIRATION_SECONDS = 3_600;
/** A token is renewed at this age even if it lives for longer: a kubelet's rule. */
const AGE_MAX_MS = 24 * 60 * 60 * 1_000;
/** A token is renewed after this part of its life: a kubelet's rule. */
const LIFE_USED_MAX = 0.8;

type Wanted = Pick<
  NonNullable<VolumeProjection["serviceAccountToken"]>,
  "audience" | "expirationSeconds"
>;

/** What an API server grants at least: a life that seems shorter is a clock that is wrong. */
const LIFE_MS_MIN = 600_000;

interface HeldToken {
  readonly token: string;
  /** How old it is, in ms. */
  readonly age: () => number;
  /** The age at which it is asked for again. */
  readonly renewAgeMs: number;
  /** The age at which it is of no use. */
  readonly lifeMs: number;
  /** When it came, in ms since 1970. */
  readonly sinceMs: number;
}

/**
 * Service-account tokens of pods, each bound to its pod and asked for again when it grows old.
 *
 * Tokens are held in memory only; a new process asks for new ones.
 */
export class ServiceAccountTokens {
  readonly #objects: ObjectSource;
  readonly #clocks: Clocks;
  readonly #held = new Map<string, Map<string, HeldToken>>();

  constructor(objects: ObjectSource, options: Partial<Clocks> = {}) {
    this.#objects = objects;
    this.#clocks = { ...CLOCKS, ...options };
  }

  /**
   * A token that is not due for renewal; if there is none and none can be had, the one that has
   * not expired yet. The audience defaults to the API server's, the life to one hour.
   */
  async get(pod: Pod, wanted: Wanted, signal: AbortSignal): Promise<string> {
    const uid = pod.metadata?.uid ?? "";
    const key = JSON.stringify([wanted.audience ?? "", wanted.expirationSeconds ?? 0]);
    const held = this.#held.get(uid)?.get(key);
    if (held !== undefined && held.age() < held.renewAgeMs) return held.token;
    try {
      const fresh = await this.#request(pod, wanted, signal);
      const tokens = this.#held.get(uid) ?? new Map<string, HeldToken>();
      this.#held.set(uid, tokens.set(key, fresh));
      return fresh.token;
    } catch (error) {
      if (held !== undefined && held.age() < held.lifeMs) return held.token;
      throw error;
    }
  }

  /** When the pod's first token wants to be renewed, in ms since 1970; `undefined` without one. */
  renewAtMs(podUid: string): number | undefined {
    const held = [...this.#held.get(podUid)?.values() ?? []];
    return held.length === 0
      ? undefined
      : Math.min(...held.map((token) => token.sinceMs + token.renewAgeMs));
  }

  /** Drops the tokens of a pod that is gone. */
  forget(podUid: string): void {
    this.#held.delete(podUid);
  }

  async #request(pod: Pod, wanted: Wanted, signal: AbortSignal): Promise<HeldToken> {
    const { name = "", namespace = "default", uid = "" } = pod.metadata ?? {};
    const expirationSeconds = wanted.expirationSeconds ?? EXPIRATION_SECONDS;
    const spec: TokenRequest["spec"] = {
      expirationSeconds,
      boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid },
      ...(wanted.audience ? { audiences: [wanted.audience] } : {}),
    };
    const serviceAccount = pod.spec?.serviceAccountName || "default";
    const status = await this.#objects.token(namespace, serviceAccount, spec, signal);
    const expiresAtMs = Date.parse(status.expirationTimestamp);
    if (Number.isNaN(expiresAtMs)) {
      throw new KubeletError(
        "volume",
        `Cannot use the token of service account "${namespace}/${serviceAccount}": ` +
          `its expiry "${status.expirationTimestamp}" is not a time`,
      );
    }
    // The server may grant less than was asked for. It says so by its own clock, which may not be ours.
    const sinceMs = this.#clocks.wallMs();
    const grantedMs = Math.max(LIFE_MS_MIN, expiresAtMs - sinceMs);
    const lifeMs = Math.min(expirationSeconds * 1_000, grantedMs);
    const renewAgeMs = tokenRenewAgeMs(lifeMs);
    return { token: status.token, age: beginAge(this.#clocks), renewAgeMs, lifeMs, sinceMs };
  }
}

/** At which age a token is due: after 80 % of its life, or after 24 hours if that is sooner. */
export function tokenRenewAgeMs(lifeMs: number): number {
  return Math.min(lifeMs * LIFE_USED_MAX, AGE_MAX_MS);
}
