/**
 * Naming a request by its content.
 *
 * @module
 */
import type { Subject } from "./csr.ts";

/** What makes two requests the same. The signature does not: it is random. */
export interface CsrNameOptions {
  /** What the certificate is for. */
  readonly kind: "client" | "serving";
  /** The name of the node. */
  readonly nodeName: string;
  /** The key, as SubjectPublicKeyInfo in DER. */
  readonly publicKeySpki: Uint8Array;
  /** Whom the certificate is for. */
  readonly subject: Subject;
  /** Who shall sign. */
  readonly signerName: string;
  /** What the certificate is for, as `client auth`. */
  readonly usages: readonly string[];
  /** Host names to be valid for. @default {none} */
  readonly dnsNames?: readonly string[];
  /** Addresses to be valid for. @default {none} */
  readonly ipAddresses?: readonly string[];
  /** 1 for the first choice; more when that name is taken by another request. @default 1 */
  readonly attempt?: number;
}

/**
 * Names a request by what it asks for, so that a restart finds its own request, and never another
 * key's.
 *
 * - A client request is named as a kubelet's, `node-csr-<64 hexadecimal digits>`: a controller
 *   approves it, nobody types it.
 * - A serving request is approved by hand, so it keeps Krustlet's `<node>-tls` in front, which an
 *   operator knows, and 10 digits behind it: `worker-1-tls-3f9c2b07aa`. Ten digits are enough,
 *   because a name that is taken by another request is seen and passed over.
 *
 * All characters are those of a DNS label, so the name needs no quotes in a shell.
 */
export async function csrName(options: CsrNameOptions): Promise<string> {
  const { kind, nodeName, publicKeySpki, subject, signerName, usages } = options;
  // JSON keeps the parts apart: no two inputs write the same text.
  const content = JSON.stringify([
    publicKeySpki.toHex(),
    subject.commonName,
    subject.organizations,
    signerName,
    usages,
    options.dnsNames ?? [],
    options.ipAddresses ?? [],
  ]);
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(content));
  const digest = new Uint8Array(hash).toHex();
  const attempt = options.attempt ?? 1;
  const suffix = attempt === 1 ? "" : `-${attempt}`;
  if (kind === "client") return `node-csr-${digest}${suffix}`;
  return `${safeName(nodeName)}-tls-${digest.slice(0, SERVING_DIGITS)}${suffix}`;
}

const SERVING_DIGITS = 10;
/** Leaves room for the end of the name within the 253 characters of an object's name. */
const NODE_NAME_LENGTH_MAX = 200;

/** A node's name is safe already; this is for those that are not checked yet. */
function safeName(nodeName: string): string {
  return nodeName.toLowerCase().replaceAll(/[^-.a-z0-9]/g, "-").slice(0, NODE_NAME_LENGTH_MAX);
}
