/**
 * What to tell an operator when no certificate came.
 *
 * @module
 */
import type { CertificateKind, CertificateSigningRequest } from "./csr_request.ts";
import { isApproved } from "./csr_request.ts";
import { CertificateError, httpStatusOf, messageOf } from "./errors.ts";

/** Whose request it was. */
export interface RequestContext {
  readonly kind: CertificateKind;
  readonly nodeName: string;
  readonly name: string;
  /** True if it is asked again without a new start. @default {false} */
  readonly retries?: boolean | undefined;
}

/**
 * The error to end with, or `undefined` if the same call may do better later: there was no answer,
 * or the server is busy, starting or stopping.
 */
export function finalError(error: unknown, context: RequestContext): CertificateError | undefined {
  const status = httpStatusOf(error);
  if (status === undefined || status < 400 || status >= 500 || RETRIED.has(status)) {
    return undefined;
  }
  const end = (code: "unauthorized" | "forbidden" | "refused", state: string): CertificateError =>
    new CertificateError(
      code,
      `Cannot make certificate request "${context.name}": ${state}`,
      { cause: error },
    );
  const isClient = context.kind === "client";
  switch (status) {
    case 401:
      return end(
        "unauthorized",
        isClient && context.retries === true
          ? `the API server accepts neither this node's certificate nor a bootstrap token; ` +
            `run "krustlet bootstrap" as an administrator to make a new bootstrap file`
          : isClient
          ? `the bootstrap token is expired or unknown to the API server; ` +
            `run "krustlet bootstrap" as an administrator to make a new one, and start again`
          : `the API server does not accept this node's credentials; ` +
            `remove its client certificate and bootstrap again`,
      );
    case 403:
      return end(
        "forbidden",
        isClient
          ? `the bootstrap token may not do that; run "krustlet bootstrap" as an administrator, ` +
            `which grants it (${messageOf(error)})`
          : `only user "system:node:${context.nodeName}" of group "system:nodes" may ask; ` +
            `start with that node's own client certificate (${messageOf(error)})`,
      );
    default:
      return end("refused", `the API server answered ${status}: ${messageOf(error)}`);
  }
}

/** Says how far it came before the time was over, and what to run. */
export function timeoutError(options: {
  readonly kind: CertificateKind;
  readonly name: string;
  readonly waitedMs: number;
  /** The request as it was last seen. */
  readonly last: CertificateSigningRequest | undefined;
  /** Why the API server could not be asked at the last attempt. */
  readonly trouble: unknown;
  /** True if it is asked again without a new start. @default {false} */
  readonly retries?: boolean;
}): CertificateError {
  const { name, last, trouble, retries = false } = options;
  const again = (how: string): string => retries ? "" : `${how} start again`;
  const start = `Cannot get certificate by request "${name}" within ` +
    `${Math.round(options.waitedMs / 1_000)} s`;
  if (trouble !== undefined) {
    return new CertificateError(
      "timeout",
      `${start}: the API server is away (${messageOf(trouble)}); ` +
        `check its address${again(", then")}`,
      { cause: trouble },
    );
  }
  const state = last !== undefined && isApproved(last)
    ? `it is approved, but signer "${last.spec.signerName}" issued nothing; ` +
      `check that kube-controller-manager runs with a signing certificate` + again(", then")
    : `nobody approved it; run "kubectl certificate approve ${name}"${again(" and")}`;
  return new CertificateError("timeout", `${start}: ${state}`);
}

/** Request Timeout, Conflict, Too Early, Too Many Requests. */
const RETRIED: ReadonlySet<number> = new Set([408, 409, 425, 429]);
