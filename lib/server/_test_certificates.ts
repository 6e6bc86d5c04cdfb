/**
 * Certificates for the tests of this folder. RSA keys of 2,048 bits are the smallest that TLS takes.
 *
 * @module
 */
// @ts-types="@types/node-forge"
import forge from "node-forge";

/** A certificate with its key, in PEM. */
export interface Certificate {
  readonly certPem: string;
  readonly keyPem: string;
}

/** Signs certificates. */
export class Authority implements Certificate {
  readonly certPem: string;
  readonly keyPem: string;
  readonly #name: string;
  readonly #keys: forge.pki.rsa.KeyPair;

  constructor(name: string) {
    this.#name = name;
    this.#keys = forge.pki.rsa.generateKeyPair(2048);
    const cert = this.#begin(this.#keys.publicKey, [{ name: "commonName", value: name }], DAY_MS);
    cert.setExtensions([
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, critical: true },
    ]);
    cert.sign(this.#keys.privateKey, forge.md.sha256.create());
    this.certPem = forge.pki.certificateToPem(cert);
    this.keyPem = forge.pki.privateKeyToPem(this.#keys.privateKey);
  }

  /** A server's certificate for 127.0.0.1. */
  server(): Certificate {
    return this.#issue([{ name: "commonName", value: "node" }], { serverAuth: true });
  }

  /** A client's certificate; its groups are organisations. */
  client(
    name: string,
    { groups = [], expired = false }: { groups?: string[]; expired?: boolean } = {},
  ): Certificate {
    const subject = [
      ...groups.map((value) => ({ name: "organizationName", value })),
      { name: "commonName", value: name },
    ];
    return this.#issue(subject, { clientAuth: true }, expired ? -DAY_MS : DAY_MS);
  }

  #issue(
    subject: forge.pki.CertificateField[],
    purpose: Record<string, boolean>,
    lifeMs: number = DAY_MS,
  ): Certificate {
    const keys = forge.pki.rsa.generateKeyPair(2048);
    const cert = this.#begin(keys.publicKey, subject, lifeMs);
    cert.setExtensions([
      { name: "basicConstraints", cA: false, critical: true },
      { name: "extKeyUsage", ...purpose },
      { name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] },
    ]);
    cert.sign(this.#keys.privateKey, forge.md.sha256.create());
    return {
      certPem: forge.pki.certificateToPem(cert),
      keyPem: forge.pki.privateKeyToPem(keys.privateKey),
    };
  }

  #begin(
    publicKey: forge.pki.PublicKey,
    subject: forge.pki.CertificateField[],
    lifeMs: number,
  ): forge.pki.Certificate {
    const cert = forge.pki.createCertificate();
    cert.publicKey = publicKey;
    cert.serialNumber = `01${crypto.getRandomValues(new Uint8Array(8)).toHex()}`;
    cert.validity.notBefore = new Date(Date.now() - 2 * DAY_MS);
    cert.validity.notAfter = new Date(Date.now() + lifeMs);
    cert.setSubject(subject);
    cert.setIssuer([{ name: "commonName", value: this.#name }]);
    return cert;
  }
}

const DAY_MS = 86_400_000;
