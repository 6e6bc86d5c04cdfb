/**
 * Who this node is at the moment.
 *
 * @module
 */
import type { KeyPair } from "./certificate.ts";

/** What a client or a server holds on to, instead of one pair: the pair of the moment. */
export interface Identity {
  /** The newest accepted pair. Ask again for each new connection: it may be renewed. */
  current(): KeyPair;
  /** When to ask for the next pair, in milliseconds since 1970. */
  renewAtMs(): number;
}
