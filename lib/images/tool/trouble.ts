/**
 * Failures in the words of somebody at a command line.
 *
 * @module
 */
import { KubeletError, messageOf } from "../../errors.ts";
import { UnsupportedImage } from "../layout/unsupported.ts";
import { PullFailure } from "../oci/failure.ts";
import type { Problem } from "../oci/problem.ts";
import { InvalidReference, parseReference, type Reference } from "../oci/reference.ts";

/**
 * Says what could not be done, as `Cannot push "app.wasm" to "ghcr.io/ada/app:v1"`, and what helps.
 *
 * Code `image_pull` for what is the registry's or the network's. Anything that is no failure of an
 * image stays as it is.
 */
export function toolError(attempt: string, error: unknown): unknown {
  const failure = error instanceof KubeletError ? error.cause : error;
  if (!(failure instanceof PullFailure)) return error;
  const { state, problem, message } = failure;
  const text = problem === undefined ? message : `${state}; ${adviseTool(problem)}`;
  return new KubeletError("image_pull", `${attempt}: ${text}`, {
    cause: failure,
    ...(failure instanceof UnsupportedImage ? { reason: "UnsupportedImage" } : {}),
  });
}

/** Does something, and says of its failure what was attempted. */
export async function attempt<T>(what: string, deed: () => Promise<T>): Promise<T> {
  try {
    return await deed();
  } catch (error) {
    throw toolError(what, error);
  }
}

/** The same with a file of the user's own: whatever is wrong with it is code `invalid`. */
export async function attemptFile<T>(what: string, deed: () => Promise<T>): Promise<T> {
  try {
    return await deed();
  } catch (error) {
    if (!(error instanceof PullFailure)) throw error;
    throw new KubeletError("invalid", `${what}: ${error.message}`, { cause: error });
  }
}

/** Reads a name that was typed. Throws a `KubeletError` with code `invalid`. */
export function referenceOf(text: string): Reference {
  try {
    return parseReference(text);
  } catch (error) {
    if (!(error instanceof InvalidReference)) throw error;
    throw new KubeletError("invalid", error.message, { cause: error });
  }
}

/** A file that cannot be used. `error` is what the system said. */
export function fileError(attempt: string, error: unknown): KubeletError {
  return new KubeletError("invalid", `${attempt}: ${messageOf(error)}`, { cause: error });
}

function adviseTool(problem: Problem): string {
  switch (problem.kind) {
    case "no_credentials":
      return logIn(problem.registry);
    case "wrong_credentials":
      return `correct the credentials in ${problem.source}`;
    case "no_right":
      return problem.source === undefined
        ? logIn(problem.registry)
        : `grant that user ${problem.right} access`;
    case "unknown_authority":
      return `give the authority's certificate with --registry-ca ${problem.host}=FILE`;
    case "no_client_certificate":
      return `give one with --registry-client-cert ${problem.host}=FILE`;
    case "not_https":
      return "if it is meant to speak plain HTTP, give --insecure";
    case "not_http":
      return "if it speaks HTTPS, leave --insecure out";
  }
}

function logIn(registry: string): string {
  return `put credentials for "${registry}" into Docker's config.json, by docker login or by hand; ` +
    "--docker-config-dir names its folder";
}
