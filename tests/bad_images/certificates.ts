/**
 * Certificates of registries, good and bad ones.
 *
 * @module
 */
// @ts-types="@types/node-forge"
import forge from "node-forge";
import { generateKeyPairSync } from "node:crypto";

/** A certificate and its key, in PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

const DAY_MS = 86_400_000;

/** An authority whose word the agent may be told to believe. */
export class Authority {
  /** Its certificate in PEM. */
  readonly pem: string;
  readonly #keys = makeKeys();
  readonly #name = [{ name: "commonName", value: "Authority of bad images" }];

  constructor() {
    this.pem = this.#sign({
      publicKey: this.#keys.publicKey,
      subject: this.#name,
      days: [-1, 2],
      extensions: [{ name: "basicConstraints", cA: true, critical: true }],
    });
  }

  /**
   * A certificate for a registry. `days` are those of its validity, from today; `name` is an IP address
   * or a host name.
   */
  issue(
    options: { readonly name?: string; readonly days?: readonly [number, number] } = {},
  ): KeyPair {
    const { name = "127.0.0.1", days = [-1, 1] } = options;
    const keys = makeKeys();
    const altName = /^[\d.]+$/.test(name) ? { type: 7, ip: name } : { type: 2, value: name };
    const cert = this.#sign({
      publicKey: keys.publicKey,
      subject: [{ name: "commonName", value: "registry" }],
      days,
      extensions: [
        { name: "basicConstraints", cA: false },
        { name: "extKeyUsage", serverAuth: true },
        { name: "subjectAltName", altNames: [altName] },
      ],
    });
    return { cert, key: keys.privateKey };
  }

  #sign({ publicKey, subject, days: [from, to], extensions }: {
    readonly publicKey: string;
    readonly subject: forge.pki.CertificateField[];
    readonly days: readonly [number, number];
    readonly extensions: object[];
  }): string {
    const certificate = forge.pki.createCertificate();
    certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
    certificate.serialNumber = `01${crypto.randomUUID().replaceAll("-", "")}`;
    certificate.validity.notBefore = new Date(Date.now() + from * DAY_MS);
    certificate.validity.notAfter = new Date(Date.now() + to * DAY_MS);
    certificate.setSubject(subject);
    certificate.setIssuer(this.#name);
    certificate.setExtensions(extensions);
    const key = forge.pki.privateKeyFromPem(this.#keys.privateKey);
    certificate.sign(key, forge.md.sha256.create());
    return forge.pki.certificateToPem(certificate);
  }
}

/** The system makes RSA keys a hundred times faster than JavaScript does. */
function makeKeys(): { publicKey: string; privateKey: string } {
  return generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
}
