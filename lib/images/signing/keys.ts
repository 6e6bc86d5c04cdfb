/**
 * Public keys that sign images: ECDSA, Ed25519 and RSA, as cosign makes and uses them.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** A key that signatures are checked with. */
export interface PublicKey {
  /** Digest of the key itself, in hexadecimal digits. */
  readonly id: string;
  /** True if `signature` is this key's for `bytes`. */
  verifies(bytes: Uint8Array<ArrayBuffer>, signature: Uint8Array<ArrayBuffer>): Promise<boolean>;
}

/** Bits of the smallest RSA key that counts (NIST SP 800-131A). */
const RSA_BITS_MIN = 2048;

/**
 * Reads a key in PEM (SubjectPublicKeyInfo): ECDSA on P-256 or P-384, Ed25519, or RSA with
 * PKCS #1 v1.5.
 *
 * Throws an `Error` that says what is wrong.
 */
export async function parsePublicKey(pem: string): Promise<PublicKey> {
  const found = /-----BEGIN PUBLIC KEY-----([\s\S]+?)-----END PUBLIC KEY-----/.exec(pem);
  if (found === null) throw new Error("it is no public key in PEM (BEGIN PUBLIC KEY)");
  const der = Uint8Array.fromBase64(found[1]!.replace(/\s/g, ""));
  const id = createHash("sha256").update(der).digest("hex");
  for (const { name, curve, hashes } of KINDS) {
    const [hash] = hashes;
    const algorithm = { name, ...(curve && { namedCurve: curve }), ...(hash && { hash }) };
    const key = await crypto.subtle.importKey("spki", der, algorithm, false, ["verify"])
      .catch(() => undefined);
    if (key === undefined) continue;
    const { modulusLength = Infinity }: { modulusLength?: number } = Object(key.algorithm);
    if (modulusLength < RSA_BITS_MIN) {
      throw new Error(`it has ${modulusLength} bits, and RSA keys need ${RSA_BITS_MIN}`);
    }
    return {
      id,
      verifies: async (bytes, signature) => {
        const raw = curve === undefined ? signature : rawEcdsa(signature, FIELD_BYTES[curve]!);
        if (raw === undefined) return false;
        for (const hash of hashes) {
          const good = await crypto.subtle.verify({ name, ...(hash && { hash }) }, key, raw, bytes)
            .catch(() => false);
          if (good) return true;
        }
        return false;
      },
    };
  }
  throw new Error("it is neither an ECDSA (P-256, P-384), an Ed25519 nor an RSA key");
}

/** For P-384 older cosigns take SHA-256, newer ones SHA-384. Ed25519 has its own. */
const KINDS: readonly { name: string; curve?: string; hashes: readonly string[] }[] = [
  { name: "ECDSA", curve: "P-256", hashes: ["SHA-256"] },
  { name: "ECDSA", curve: "P-384", hashes: ["SHA-384", "SHA-256"] },
  { name: "Ed25519", hashes: [""] },
  { name: "RSASSA-PKCS1-v1_5", hashes: ["SHA-256"] },
];

/** Bytes of a number of each curve. */
const FIELD_BYTES: Readonly<Record<string, number>> = { "P-256": 32, "P-384": 48 };

/**
 * The two numbers of an ECDSA signature side by side, as Web Crypto wants them, from their ASN.1 form
 * (RFC 3279, section 2.2.3). Undefined for what is not exactly that.
 */
export function rawEcdsa(
  der: Uint8Array,
  fieldBytes: number,
): Uint8Array<ArrayBuffer> | undefined {
  const body = readDer(der, 0x30);
  if (body === undefined || body.rest.length > 0) return undefined;
  const r = readDer(body.content, 0x02);
  const s = r && readDer(r.rest, 0x02);
  if (s === undefined || s.rest.length > 0) return undefined;
  const raw = new Uint8Array(2 * fieldBytes);
  for (const [i, number] of [r!.content, s.content].entries()) {
    const digits = number[0] === 0 ? number.subarray(1) : number;
    // One leading zero only, no negative number, and no more than the field holds.
    if (number.length === 0 || digits.length > fieldBytes) return undefined;
    if (number[0]! > 0x7f || (number[0] === 0 && number.length > 1 && number[1]! <= 0x7f)) {
      return undefined;
    }
    raw.set(digits, (i + 1) * fieldBytes - digits.length);
  }
  return raw;
}

/** One ASN.1 value of less than 256 bytes in DER, and what follows it. */
function readDer(
  bytes: Uint8Array,
  tag: number,
): { readonly content: Uint8Array; readonly rest: Uint8Array } | undefined {
  if (bytes[0] !== tag || bytes.length < 2) return undefined;
  const long = bytes[1] === 0x81;
  const length = long ? bytes[2] ?? 0 : bytes[1]!;
  const from = long ? 3 : 2;
  if ((long ? length < 0x80 : length > 0x7f) || bytes.length < from + length) return undefined;
  return { content: bytes.subarray(from, from + length), rest: bytes.subarray(from + length) };
}
