/**
 * Looking at what a signer issued, before it is trusted.
 *
 * @module
 */
import { type Certificate, hasSubject, isExpired } from "./certificate.ts";
import { missingNames, readCertificate, sameBytes } from "./certificate.ts";
import { nodeSubject } from "./csr.ts";
import { CertificateError, messageOf } from "./errors.ts";

/** What was asked for. */
export interface Wanted {
  readonly publicKeySpki: Uint8Array;
  readonly nodeName: string;
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
}

/**
 * Reads the chain that a request of that name was answered with.
 *
 * @throws {CertificateError} `mismatch` if it cannot be read.
 */
export function readIssued(requestName: string, chainPem: string): Certificate {
  try {
    return readCertificate(chainPem);
  } catch (cause) {
    throw new CertificateError(
      "mismatch",
      `Cannot read certificate of request "${requestName}": ${messageOf(cause)}; ` +
        `look at its signer`,
      { cause },
    );
  }
}

/** Why the certificate is not what was asked for, and what to do; `undefined` if it is. */
export function issuedFault(
  certificate: Certificate,
  options: { readonly wanted: Wanted; readonly nowMs: number },
): string | undefined {
  const { wanted, nowMs } = options;
  if (!sameBytes(certificate.publicKeySpki, wanted.publicKeySpki)) {
    return "it is for another key; look at its signer";
  }
  if (!hasSubject(certificate, nodeSubject(wanted.nodeName))) {
    const holder = certificate.subject.commonName;
    return `it is for "${holder}", not node "${wanted.nodeName}"; look at its signer`;
  }
  const missing = missingNames(certificate, wanted);
  if (missing.length > 0) return `it lacks "${missing.join('", "')}"; look at its signer`;
  if (!isExpired(certificate, nowMs)) return undefined;
  const since = new Date(certificate.notAfterMs).toISOString();
  return `it is expired since ${since}; check the clock of this machine`;
}
