/**
 * Which connections have shown a certificate that was verified.
 *
 * The runtime verifies a certificate in a full handshake only. A client that takes up its session again
 * counts as authorized, whatever its certificate was, and no option turns sessions off (measured on
 * Deno 2.9.6): whoever made a certificate for themselves was refused once, and believed from then on.
 *
 * @module
 */
import { X509Certificate } from "node:crypto";

/** The part of a TLS connection that is needed. */
export interface SecureSocket {
  /** True if its certificate is good, or was never looked at. */
  readonly authorized: boolean;
  isSessionReused(): boolean;
  getPeerCertificate(): { readonly raw?: Uint8Array } | null | undefined;
}

/** What a connection has shown, and how often an authority had gone when it was last looked at. */
interface Shown {
  readonly certificate: string;
  losses: number;
}

/** Certificates that are remembered: those of a cluster's API servers and monitors are few. */
const CERTIFICATES_MAX = 1_000;

/** Remembers the certificates that were verified, so that a session with one of them can be taken up. */
export class PeerCertificates {
  /** The one that was seen longest ago is the first. */
  readonly #verified = new Set<string>();
  readonly #sockets = new WeakMap<SecureSocket, Shown>();
  #authorities: string;
  /** How often an authority has gone. */
  #losses = 0;

  /** `authorities` are those of client certificates, in PEM. */
  constructor(authorities: string) {
    this.#authorities = authorities;
  }

  /** Looks at a connection whose handshake is complete. */
  add(socket: SecureSocket): void {
    if (socket.authorized !== true) return;
    const raw = socket.getPeerCertificate()?.raw;
    if (raw === undefined) return;
    const certificate = raw.toBase64();
    // A session has verified nothing, and one that does not say what it is counts as one.
    if (socket.isSessionReused() !== false && !this.#verified.has(certificate)) return;
    this.#verified.delete(certificate);
    this.#verified.add(certificate);
    if (this.#verified.size > CERTIFICATES_MAX) {
      this.#verified.delete(this.#verified.values().next().value!);
    }
    this.#sockets.set(socket, { certificate, losses: this.#losses });
  }

  /** True for a connection of somebody whose certificate was verified, and would be now. */
  has(socket: SecureSocket): boolean {
    const shown = this.#sockets.get(socket);
    if (shown === undefined) return false;
    if (shown.losses !== this.#losses) {
      if (!isSignedByOneOf(this.#authorities, shown.certificate)) {
        this.#sockets.delete(socket);
        return false;
      }
      shown.losses = this.#losses;
    }
    return true;
  }

  /**
   * The authorities are others now, in PEM. Earlier sessions and connections go on to exist (measured on
   * Deno 2.9.6); once an authority has gone, only those count whose certificate one of these has signed
   * itself.
   */
  authoritiesAre(pem: string): void {
    const now = new Set(blocksOf(pem));
    const isOneGone = blocksOf(this.#authorities).some((block) => !now.has(block));
    this.#authorities = pem;
    if (!isOneGone) return;
    this.#losses++;
    for (const known of this.#verified) {
      if (!isSignedByOneOf(pem, known)) this.#verified.delete(known);
    }
  }
}

function isSignedByOneOf(authorities: string, certificate: string): boolean {
  try {
    const wanted = new X509Certificate(Uint8Array.fromBase64(certificate));
    return blocksOf(authorities).some((block) => {
      const authority = new X509Certificate(block);
      return wanted.checkIssued(authority) && wanted.verify(authority.publicKey);
    });
  } catch {
    return false; // of a kind that cannot be looked at here
  }
}

function blocksOf(pem: string): readonly string[] {
  return pem.match(PEM_BLOCKS) ?? [];
}

const PEM_BLOCKS = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
