/**
 * Reading certificates: whom they are for, until when, and whether a key fits.
 *
 * @module
 */
import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { Buffer } from "node:buffer";
import type { Subject } from "./csr.ts";
import { ipBytes } from "./ip.ts";
import { decodePem } from "./pem.ts";

/** The first certificate of a chain, as far as this room cares. */
export interface Certificate {
  /** Whom it is for. */
  readonly subject: Subject;
  /** Host names that it is valid for, in lower case. */
  readonly dnsNames: readonly string[];
  /** Addresses that it is valid for, as node:crypto writes them. */
  readonly ipAddresses: readonly string[];
  /** The first millisecond at which it is valid, since 1970. */
  readonly notBeforeMs: number;
  /** The first millisecond at which nobody accepts it any more. */
  readonly notAfterMs: number;
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKeySpki: Uint8Array;
}

/** A chain and the key of its first certificate, both in PEM. The key is a secret. */
export interface KeyPair {
  /** The holder's certificate first. */
  readonly certificatePem: string;
  /** PKCS#8, or what a person provided. */
  readonly keyPem: string;
}

/**
 * Reads the first certificate of a PEM chain; the others must be certificates as well.
 *
 * @throws {SyntaxError} if there is none, or one of them cannot be read.
 */
export function readCertificate(pem: string): Certificate {
  const chain = decodePem(pem).filter(({ label }) => label === "CERTIFICATE").map(({ der }) => {
    try {
      return new X509Certificate(Buffer.from(der));
    } catch (cause) {
      throw new SyntaxError("Cannot read certificate: it is not X.509", { cause });
    }
  });
  const [leaf] = chain;
  if (leaf === undefined) {
    throw new SyntaxError(`Cannot read certificate: there is no "CERTIFICATE" block`);
  }
  try {
    return contentsOf(leaf);
  } catch (cause) {
    throw new SyntaxError("Cannot read certificate: its key or its names are of no known kind", {
      cause,
    });
  }
}

function contentsOf(leaf: X509Certificate): Certificate {
  return {
    subject: subjectOf(leaf.subject),
    dnsNames: altNames(leaf, "DNS:").map((name) => name.toLowerCase()),
    ipAddresses: altNames(leaf, "IP Address:"),
    notBeforeMs: Date.parse(leaf.validFrom),
    notAfterMs: Date.parse(leaf.validTo) + 1_000, // the last second itself is still valid
    publicKeySpki: spkiOf(leaf.publicKey),
  };
}

/**
 * The public half of any private key in PEM, as SubjectPublicKeyInfo in DER: a pair that a person
 * provided may hold RSA, or the older PKCS#1 and SEC 1 forms.
 *
 * @throws {SyntaxError} if the text is not a private key. The message never shows the text.
 */
export function publicKeyOf(keyPem: string): Uint8Array {
  try {
    return spkiOf(createPublicKey(createPrivateKey(keyPem)));
  } catch (cause) {
    throw new SyntaxError("Cannot read private key: it is none that can be read", { cause });
  }
}

/** True if `notAfter` has passed. A certificate of the future counts as valid: clocks differ. */
export function isExpired(certificate: Certificate, nowMs: number): boolean {
  return nowMs >= certificate.notAfterMs;
}

/** True if the names of the subject are these, and no others. */
export function hasSubject(certificate: Certificate, subject: Subject): boolean {
  const { commonName, organizations } = certificate.subject;
  return commonName === subject.commonName &&
    JSON.stringify(organizations) === JSON.stringify(subject.organizations);
}

/** True if it is a node's, so that an agent asked for it; any other was put there by a person. */
export function isNodes({ subject }: Certificate): boolean {
  return subject.organizations.includes("system:nodes") &&
    subject.commonName.startsWith("system:node:");
}

/** Those of the wanted DNS names and IP addresses that the certificate does not carry. */
export function missingNames(
  certificate: Certificate,
  wanted: { readonly dnsNames?: readonly string[]; readonly ipAddresses?: readonly string[] },
): string[] {
  const addresses = new Set(certificate.ipAddresses.map(canonicalIp));
  return [
    ...(wanted.dnsNames ?? []).filter((name) => !certificate.dnsNames.includes(name.toLowerCase())),
    ...(wanted.ipAddresses ?? []).filter((ip) => !addresses.has(canonicalIp(ip))),
  ];
}

/** True if both hold the same bytes. */
export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}

/** node:crypto writes one attribute a line. */
function subjectOf(text: string): Subject {
  const parts = text.split("\n").map((line): [string, string] => {
    const equals = line.indexOf("=");
    return [line.slice(0, equals), line.slice(equals + 1)];
  });
  return {
    commonName: parts.find(([name]) => name === "CN")?.[1] ?? "",
    organizations: parts.filter(([name]) => name === "O").map(([, value]) => value),
  };
}

function altNames(certificate: X509Certificate, prefix: string): string[] {
  const text = certificate.subjectAltName ?? "";
  return text.split(", ").filter((name) => name.startsWith(prefix)).map((name) =>
    name.slice(prefix.length)
  );
}

/** `fd00::1` and `FD00:0:0:0:0:0:0:1` are the same address. */
function canonicalIp(text: string): string {
  return ipBytes(text)?.toHex() ?? text;
}

function spkiOf(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ type: "spki", format: "der" }));
}
