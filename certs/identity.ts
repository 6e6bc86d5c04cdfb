/**
 * Who this node is at the moment.
 *
 * @module
 */
import { type KeyPair, readCertificate } from "./certificate.ts";
import { rotationDeadlineMs } from "./deadline.ts";

/** What a client or a server holds on to, instead of one pair: the pair of the moment. */
export interface Identity {
  /** The newest accepted pair. Ask again for each new connection: it may be renewed. */
  current(): KeyPair;
  /** When to ask for the next pair, in milliseconds since 1970. */
  renewAtMs(): number;
}

/**
 * The identity of a pair that stays as it is.
 *
 * `chance` in [0, 1) spreads the renewals of nodes that were born together.
 *
 * @throws {SyntaxError} if the certificate cannot be read.
 */
export function identityOf(pair: KeyPair, chance: number = Math.random()): Identity {
  const renewAtMs = rotationDeadlineMs(readCertificate(pair.certificatePem), chance);
  return { current: () => pair, renewAtMs: () => renewAtMs };
}
