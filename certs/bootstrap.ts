/**
 * Getting a certificate of this node: from disk if it is good, by a request otherwise.
 *
 * @module
 */
import {
  type Certificate,
  hasSubject,
  isNodes,
  type KeyPair,
  missingNames,
} from "./certificate.ts";
import { systemClock } from "./clock.ts";
import { nodeSubject } from "./csr.ts";
import { requestCertificate, type RequestOptions } from "./request.ts";

/**
 * Returns the stored pair if it is valid and for this node and these names; asks for a new one
 * otherwise, and waits for it. What is stored stays in place until the new pair is there.
 *
 * A pair whose subject is not a node's was put there by a person: it is used as it is until it
 * expires, whatever names it carries.
 *
 * Safe to be killed and run again at any time. See {@linkcode requestCertificate} for errors.
 */
export async function obtainCertificate(options: RequestOptions): Promise<KeyPair> {
  const stored = await options.store.load((options.clock ?? systemClock).nowMs());
  const why = stored.kind === "ready" ? unsuitable(stored.certificate, options) : stored.why;
  if (stored.kind === "ready" && why === undefined) return stored.pair;
  if (stored.kind !== "absent") options.notify?.(`BOOTSTRAP: ${why}: asking for a new one`);
  return await requestCertificate(options);
}

/** Why a valid certificate that this agent once asked for is not the one it needs now. */
function unsuitable(certificate: Certificate, options: RequestOptions): string | undefined {
  if (!isNodes(certificate)) return undefined;
  const { commonName } = certificate.subject;
  const file = options.store.files.certificateFile;
  if (!hasSubject(certificate, nodeSubject(options.nodeName))) {
    return `Certificate "${file}" is for "${commonName}", not node "${options.nodeName}"`;
  }
  const missing = missingNames(certificate, options);
  if (missing.length === 0) return undefined;
  return `Certificate "${file}" lacks "${missing.join('", "')}"`;
}
