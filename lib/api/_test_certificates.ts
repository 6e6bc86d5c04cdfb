/**
 * Certificates for tests, made in this process.
 *
 * @module
 */
// @ts-types="@types/node-forge"
import forge from "node-forge";

/** A certificate with its key, both as PEM. */
export interface TestCertificate {
  readonly certPem: string;
  readonly keyPem: string;
  readonly certificate: forge.pki.Certificate;
  readonly key: forge.pki.PrivateKey;
}

/** What a test certificate says. */
export interface TestCertificateOptions {
  readonly issuer?: TestCertificate;
  readonly authority?: boolean;
  readonly dnsNames?: readonly string[];
  readonly ips?: readonly string[];
  readonly notAfterMs?: number;
  /** X.509 version 1: no extensions at all. */
  readonly version1?: boolean;
}

const HOUR_MS = 3_600_000;

/** Makes a certificate; it signs itself without `issuer`. */
export function testCertificate(
  name: string,
  options: TestCertificateOptions = {},
): TestCertificate {
  const keys = forge.pki.rsa.generateKeyPair(2048);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = keys.publicKey;
  certificate.serialNumber = `0${crypto.getRandomValues(new Uint8Array(8)).toHex()}`;
  const notAfterMs = options.notAfterMs ?? Date.now() + HOUR_MS;
  certificate.validity.notBefore = new Date(Math.min(Date.now(), notAfterMs) - HOUR_MS);
  certificate.validity.notAfter = new Date(notAfterMs);
  certificate.setSubject([{ name: "commonName", value: name }]);
  certificate.setIssuer(
    options.issuer?.certificate.subject.attributes ?? [
      { name: "commonName", value: name },
    ],
  );
  if (options.version1) certificate.version = 0;
  else certificate.setExtensions(extensions(options));
  const issuerKey = (options.issuer?.key ?? keys.privateKey) as forge.pki.rsa.PrivateKey;
  certificate.sign(issuerKey, forge.md.sha256.create());
  return {
    certPem: forge.pki.certificateToPem(certificate),
    keyPem: forge.pki.privateKeyToPem(keys.privateKey),
    certificate,
    key: keys.privateKey,
  };
}

function extensions(options: TestCertificateOptions): object[] {
  if (options.authority) {
    return [{ name: "basicConstraints", cA: true }, { name: "keyUsage", keyCertSign: true }];
  }
  const altNames = [
    ...(options.dnsNames ?? []).map((value) => ({ type: 2, value })),
    ...(options.ips ?? []).map((ip) => ({ type: 7, ip })),
  ];
  return altNames.length === 0 ? [] : [{ name: "subjectAltName", altNames }];
}
