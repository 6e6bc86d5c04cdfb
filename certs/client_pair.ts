/**
 * With which client certificate a node speaks to its cluster.
 *
 * @module
 */
import { hasSubject, isExpired, type KeyPair, readCertificate } from "./certificate.ts";
import type { Certificate } from "./certificate.ts";
import { nodeSubject } from "./csr.ts";

/** What there is to speak with. */
export interface ClientCredentials {
  /** The pair that the kubeconfig names. @default {it names none: it has a token, or nothing} */
  readonly kubeconfig?: KeyPair | undefined;
  /** The pair that the agent keeps itself. @default {there is none} */
  readonly stored?: KeyPair | undefined;
  /** The name of the node. */
  readonly nodeName: string;
}

/** What to speak with, and why not. */
export type ClientChoice =
  /** This pair; `ours` if the agent may ask for the next one by itself. */
  | { readonly use: "pair"; readonly pair: KeyPair; readonly ours: boolean }
  /** The kubeconfig as it is: it has no client certificate. */
  | { readonly use: "kubeconfig" }
  /** Every pair has expired, the last one at this time; `ours` as above. */
  | { readonly use: "none"; readonly expiredMs: number; readonly ours: boolean };

/**
 * Chooses the pair to speak with. A kubeconfig whose certificate is this node's own may be older than
 * the pair that the agent has renewed since: of the two the one that ends later is taken. Any other
 * certificate, as an administrator's, was put there by a person and is used as it is.
 *
 * @throws {SyntaxError} if the kubeconfig's certificate cannot be read.
 */
export function chooseClientPair(given: ClientCredentials, nowMs: number): ClientChoice {
  if (given.kubeconfig === undefined) return { use: "kubeconfig" };
  const named = readCertificate(given.kubeconfig.certificatePem);
  const ours = hasSubject(named, nodeSubject(given.nodeName));
  const stored = given.stored && ours ? storedOf(given.stored, given.nodeName) : undefined;
  const later = stored !== undefined && stored.notAfterMs > named.notAfterMs;
  const certificate = later ? stored : named;
  if (isExpired(certificate, nowMs)) {
    return { use: "none", expiredMs: certificate.notAfterMs, ours };
  }
  return { use: "pair", pair: later ? given.stored! : given.kubeconfig, ours };
}

/** A pair of another node, as after `--node-name` was changed, does not count. */
function storedOf(pair: KeyPair, nodeName: string): Certificate | undefined {
  const certificate = readCertificate(pair.certificatePem);
  return hasSubject(certificate, nodeSubject(nodeName)) ? certificate : undefined;
}
