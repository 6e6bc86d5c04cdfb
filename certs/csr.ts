/**
 * Certificate signing requests: PKCS#10 (RFC 2986), as a kubelet writes them.
 *
 * @module
 */
import { type Der, type DerNode, loadDer } from "./der.ts";
import { CertificateError } from "./errors.ts";
import { ipBytes } from "./ip.ts";
import type { PrivateKey } from "./keys.ts";
import { decodePem, encodePem } from "./pem.ts";

/** What a certificate says of its holder. */
export interface Subject {
  /** The name, as `system:node:worker-1`. */
  readonly commonName: string;
  /** The groups, as `system:nodes`. */
  readonly organizations: readonly string[];
}

/** What to ask for. */
export interface CsrOptions {
  /** Signs the request; its public half is what shall be certified. */
  readonly key: PrivateKey;
  /** Whom the certificate is for. */
  readonly subject: Subject;
  /** Lower case is made of them. @default {none} */
  readonly dnsNames?: readonly string[];
  /** IPv4 or IPv6, without a zone. @default {none} */
  readonly ipAddresses?: readonly string[];
}

/** The subject that the Node authorizer and the kubelet signers expect of a node. */
export function nodeSubject(nodeName: string): Subject {
  return { commonName: `system:node:${nodeName}`, organizations: ["system:nodes"] };
}

/** A distinguished name (RFC 5280 §4.1.2.4): the organizations, then the common name. */
export function nameNode(der: Der, subject: Subject): DerNode {
  const part = (oid: string, text: string): DerNode =>
    der.set(der.sequence(der.oid(oid), der.utf8(text)));
  return der.sequence(
    ...subject.organizations.map((organization) => part(ORGANIZATION, organization)),
    part(COMMON_NAME, subject.commonName),
  );
}

/**
 * Writes and signs a request, in PEM.
 *
 * Two calls with the same options differ in their signature, which is random: compare requests by
 * their public key.
 *
 * @throws {CertificateError} `invalid` if a DNS name or an address is not one.
 */
export async function createCsr(options: CsrOptions): Promise<string> {
  const der = await loadDer();
  const info = der.sequence(
    der.unsigned(Uint8Array.of(VERSION_1)),
    nameNode(der, options.subject),
    der.parse(options.key.publicKeySpki),
    der.context(0, ...attributes(der, options)),
  );
  const signature = await options.key.sign(der.bytes(info));
  const request = der.sequence(
    info,
    der.sequence(der.oid(ECDSA_WITH_SHA256)),
    der.bitString(ecdsaSignature(der, signature)),
  );
  return encodePem("CERTIFICATE REQUEST", der.bytes(request));
}

/**
 * The public key that a PEM request carries, as SubjectPublicKeyInfo in DER; `undefined` if the
 * text is not a request. The signature is not checked: the API server did that.
 */
export async function csrPublicKey(pem: string): Promise<Uint8Array | undefined> {
  const der = await loadDer();
  try {
    const block = decodePem(pem).find(({ label }) => label.endsWith("CERTIFICATE REQUEST"));
    if (block === undefined) return undefined;
    const spki = der.child(der.child(der.parse(block.der), 0), 2);
    return spki && der.bytes(spki);
  } catch {
    return undefined; // written by somebody else: whatever is wrong with it, it is not ours
  }
}

/** RFC 2986 §4: version 1 is written 0. */
const VERSION_1 = 0;
/** RFC 5758 §3.2. */
const ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";
/** X.520, RFC 5280 appendix A.1. */
const COMMON_NAME = "2.5.4.3";
const ORGANIZATION = "2.5.4.10";
/** PKCS#9 extensionRequest, RFC 2985 §5.4.2. */
const EXTENSION_REQUEST = "1.2.840.113549.1.9.14";
/** RFC 5280 §4.2.1.6, with the tags of GeneralName's choices. */
const SUBJECT_ALT_NAME = "2.5.29.17";
const GENERAL_NAME_DNS = 2;
const GENERAL_NAME_IP = 7;

const DNS_NAME_LENGTH_MAX = 253;
const DNS_NAME = /^(?:\*\.)?[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;

function attributes(der: Der, options: CsrOptions): DerNode[] {
  const names = [
    ...(options.dnsNames ?? []).map((name) => der.tagged(GENERAL_NAME_DNS, dnsBytes(name))),
    ...(options.ipAddresses ?? []).map((ip) => der.tagged(GENERAL_NAME_IP, addressBytes(ip))),
  ];
  if (names.length === 0) return [];
  const extension = der.sequence(
    der.oid(SUBJECT_ALT_NAME),
    der.octets(der.bytes(der.sequence(...names))),
  );
  return [der.sequence(der.oid(EXTENSION_REQUEST), der.set(der.sequence(extension)))];
}

function dnsBytes(name: string): Uint8Array {
  const lower = name.toLowerCase();
  if (lower.length > DNS_NAME_LENGTH_MAX || !DNS_NAME.test(lower)) {
    throw new CertificateError(
      "invalid",
      `Cannot ask for DNS name "${name}": it is not one; set another host name`,
    );
  }
  return new TextEncoder().encode(lower);
}

function addressBytes(text: string): Uint8Array {
  const bytes = ipBytes(text);
  if (bytes !== undefined) return bytes;
  throw new CertificateError(
    "invalid",
    `Cannot ask for IP address "${text}": it is not one; set another node IP`,
  );
}

/** Turns WebCrypto's `r ‖ s` into the SEQUENCE of two INTEGERs of RFC 3279 §2.2.3. */
function ecdsaSignature(der: Der, raw: Uint8Array): Uint8Array<ArrayBuffer> {
  const half = raw.length / 2;
  return der.bytes(der.sequence(
    der.unsigned(raw.subarray(0, half)),
    der.unsigned(raw.subarray(half)),
  ));
}
