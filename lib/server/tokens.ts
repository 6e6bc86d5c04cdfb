/**
 * Whose a token is: what is known, and who may ask how much about those that are not.
 *
 * @module
 */
import {
  type AuthenticateToken,
  NO_TOKEN_MS,
  TOKEN_MS,
  type TokenUsers,
  type User,
} from "./auth.ts";
import { Remembered } from "./remembered.ts";

/**
 * Questions at once. A token costs a stranger nothing, and each new one a question: the API server must
 * not pay for that.
 */
export const REVIEWS_MAX = 20;
/** Of these for tokens of which nothing good is known; the others are for those that were somebody's. */
export const STRANGE_REVIEWS_MAX = 15;
/** Of these for one address, so that one stranger does not keep out the others. */
export const PEER_REVIEWS_MAX = 5;
/** Users, and as many refused tokens, that are remembered: some hundred bytes each. */
const TOKENS_MAX = 1_000;

/** Remembers whose tokens are, without keeping the tokens, and asks about a limited number at a time. */
export class Tokens implements TokenUsers {
  readonly #ask: AuthenticateToken;
  readonly #users: Remembered<User | undefined>;
  /** Questions under way about tokens of which nothing good is known, by address. */
  readonly #perPeer = new Map<string, number>();
  #strange = 0;
  #known = 0;

  /** `nowMs` is a clock that never jumps. */
  constructor(ask: AuthenticateToken, nowMs?: () => number) {
    this.#ask = ask;
    this.#users = new Remembered<User | undefined>({
      entriesMax: TOKENS_MAX,
      keepMs: (user) => user === undefined ? NO_TOKEN_MS : TOKEN_MS,
      isGood: (user) => user !== undefined,
      ...(nowMs === undefined ? {} : { nowMs }),
    });
  }

  /**
   * Whose the token is that somebody at the address `peer` shows: `undefined` for nobody's. Rejects if
   * the cluster cannot be asked, or is asked about too many already.
   */
  async userOf(token: string, peer: string): Promise<User | undefined> {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
    const key = new Uint8Array(digest).toHex();
    return await this.#users.get(
      key,
      () => this.#users.wasGood(key) ? this.#askKnown(token) : this.#askStrange(token, peer),
    );
  }

  async #askKnown(token: string): Promise<User | undefined> {
    if (this.#known + this.#strange >= REVIEWS_MAX) throw tooMany(REVIEWS_MAX);
    this.#known++;
    try {
      return await this.#ask(token);
    } finally {
      this.#known--;
    }
  }

  async #askStrange(token: string, peer: string): Promise<User | undefined> {
    const ofPeer = this.#perPeer.get(peer) ?? 0;
    if (ofPeer >= PEER_REVIEWS_MAX) throw tooMany(PEER_REVIEWS_MAX, peer);
    const room = Math.min(STRANGE_REVIEWS_MAX, REVIEWS_MAX - this.#known);
    if (this.#strange >= room) throw tooMany(STRANGE_REVIEWS_MAX);
    this.#strange++;
    this.#perPeer.set(peer, ofPeer + 1);
    try {
      return await this.#ask(token);
    } finally {
      this.#strange--;
      const rest = this.#perPeer.get(peer)! - 1;
      if (rest > 0) this.#perPeer.set(peer, rest);
      else this.#perPeer.delete(peer);
    }
  }
}

function tooMany(max: number, peer?: string): Error {
  const whose = peer === undefined ? "" : ` of ${peer}`;
  return new Error(`Cannot ask about a token: ${max}${whose} are being asked about already`);
}
