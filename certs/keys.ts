/**
 * Private keys that this node makes for itself: ECDSA on P-256, by WebCrypto.
 *
 * @module
 */
import { decodePem, encodePem } from "./pem.ts";

/** A private key of this node. The secret half never leaves through anything but `pem`. */
export interface PrivateKey {
  /** PKCS#8 (RFC 5958) in PEM: a secret. */
  readonly pem: string;
  /** SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) in DER. */
  readonly publicKeySpki: Uint8Array;
  /** Signs with ECDSA and SHA-256; the answer is `r ‖ s`, 32 bytes each. */
  sign(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
}

/** Curve and algorithm: what kubelets use, 128 bits of strength, known to every TLS stack. */
const P256 = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGN = { name: "ECDSA", hash: "SHA-256" } as const;

/** Makes a new key pair from the system's randomness. */
export async function generateKey(): Promise<PrivateKey> {
  const { privateKey } = await crypto.subtle.generateKey(P256, true, ["sign", "verify"]);
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey));
  return await keyOf(privateKey, encodePem("PRIVATE KEY", pkcs8));
}

/**
 * Reads a key that {@linkcode generateKey} made.
 *
 * @throws {SyntaxError} if the text is not one P-256 key in PKCS#8 PEM. The message never shows
 * the text.
 */
export async function readKey(pem: string): Promise<PrivateKey> {
  const block = decodePem(pem).find(({ label }) => label === "PRIVATE KEY");
  if (block === undefined) {
    throw new SyntaxError(`Cannot read private key: it has no "PRIVATE KEY" block (PKCS#8)`);
  }
  try {
    const key = await crypto.subtle.importKey("pkcs8", block.der, P256, true, ["sign"]);
    return await keyOf(key, encodePem("PRIVATE KEY", block.der));
  } catch (cause) {
    throw new SyntaxError("Cannot read private key: it is not ECDSA on P-256", { cause });
  }
}

async function keyOf(privateKey: CryptoKey, pem: string): Promise<PrivateKey> {
  const publicKeySpki = await publicHalf(privateKey);
  return {
    pem,
    publicKeySpki,
    sign: async (bytes) => new Uint8Array(await crypto.subtle.sign(SIGN, privateKey, bytes)),
  };
}

/** WebCrypto gives the public half of a private key only by way of JWK. */
async function publicHalf(privateKey: CryptoKey): Promise<Uint8Array> {
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", privateKey);
  const jwk = { kty: kty!, crv: crv!, x: x!, y: y! };
  const publicKey = await crypto.subtle.importKey("jwk", jwk, P256, true, ["verify"]);
  return new Uint8Array(await crypto.subtle.exportKey("spki", publicKey));
}
