/**
 * Errors of this room, coded by what the reader does next.
 *
 * @module
 */

/**
 * - `unauthorized`: the API server does not know who asks; make a new bootstrap token.
 * - `forbidden`: who asks is known and may not; an administrator grants it.
 * - `denied`: a person or a controller refused the request; ask them.
 * - `failed`: the signer could not sign; its message says why.
 * - `timeout`: nobody decided in time; approve the request and start again.
 * - `refused`: the API server does not accept the request; retrying the same is useless.
 * - `mismatch`: the issued certificate is not what was asked for; look at the signer.
 * - `invalid`: what a person wrote is wrong (a name, an address, a file).
 */
export type CertificateErrorCode =
  | "unauthorized"
  | "forbidden"
  | "denied"
  | "failed"
  | "timeout"
  | "refused"
  | "mismatch"
  | "invalid";

/** An error that a person can act on. Its message says what to do. */
export class CertificateError extends Error {
  /** Stays the same in a minified program. */
  override readonly name = "CertificateError";
  /** What the reader does next. */
  readonly code: CertificateErrorCode;

  /** The message is a sentence that ends with what to do. */
  constructor(code: CertificateErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.code = code;
  }
}

/**
 * The HTTP status that an API server answered with, read from the `status` of the error, or
 * `undefined` if there was no answer (a transport error).
 */
export function httpStatusOf(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("status" in error)) return undefined;
  return typeof error.status === "number" ? error.status : undefined;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
