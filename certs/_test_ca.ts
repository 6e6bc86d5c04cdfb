/**
 * A certificate authority for tests, in this process: WebCrypto and this room's own DER.
 *
 * @module
 */
import { csrPublicKey, nameNode, type Subject } from "./csr.ts";
import { type Der, type DerNode, loadDer } from "./der.ts";
import { ipBytes } from "./ip.ts";
import { generateKey, type PrivateKey } from "./keys.ts";
import { encodePem } from "./pem.ts";

/** What to say in a certificate. */
export interface IssueOptions {
  readonly subject: Subject;
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
}

/** Signs X.509 v3 certificates with a key that lives as long as the test. */
export class TestCa {
  readonly #key: PrivateKey;
  readonly #der: Der;

  private constructor(key: PrivateKey, der: Der) {
    this.#key = key;
    this.#der = der;
  }

  static async start(): Promise<TestCa> {
    return new TestCa(await generateKey(), await loadDer());
  }

  /** A certificate for the public key of a PEM request, valid now and for a day unless told. */
  async issueFor(csrPem: string, options: IssueOptions): Promise<string> {
    const publicKey = await csrPublicKey(csrPem);
    if (publicKey === undefined) throw new Error(`Cannot issue: not a request: ${csrPem}`);
    return await this.issue(publicKey, options);
  }

  async issue(publicKeySpki: Uint8Array, options: IssueOptions): Promise<string> {
    const der = this.#der;
    const algorithm = (): DerNode => der.sequence(der.oid("1.2.840.10045.4.3.2"));
    const names = [
      ...(options.dnsNames ?? []).map((name) => der.tagged(2, new TextEncoder().encode(name))),
      ...(options.ipAddresses ?? []).map((ip) => der.tagged(7, ipBytes(ip)!)),
    ];
    const altNames = der.sequence(
      der.sequence(der.oid("2.5.29.17"), der.octets(der.bytes(der.sequence(...names)))),
    );
    const body = der.sequence(
      der.context(0, der.unsigned(Uint8Array.of(2))),
      der.unsigned(crypto.getRandomValues(new Uint8Array(8))),
      algorithm(),
      nameNode(der, { commonName: "test-ca", organizations: [] }),
      der.sequence(
        time(der, options.notBeforeMs ?? Date.now() - 60_000),
        time(der, options.notAfterMs ?? Date.now() + 86_400_000),
      ),
      nameNode(der, options.subject),
      der.parse(publicKeySpki),
      ...(names.length === 0 ? [] : [der.context(3, altNames)]),
    );
    const raw = await this.#key.sign(der.bytes(body));
    const signature = der.bytes(
      der.sequence(der.unsigned(raw.subarray(0, 32)), der.unsigned(raw.subarray(32))),
    );
    const certificate = der.sequence(body, algorithm(), der.bitString(signature));
    return encodePem("CERTIFICATE", der.bytes(certificate));
  }
}

/** GeneralizedTime: YYYYMMDDHHMMSSZ. */
function time(der: Der, ms: number): DerNode {
  const text = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  return der.primitive(24, new TextEncoder().encode(text));
}
