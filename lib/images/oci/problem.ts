/**
 * What a person can mend when a registry and its client do not come together.
 *
 * @module
 */

/** The kinds of trouble that somebody can do something about, and whom they concern. */
export type Problem =
  | { readonly kind: "no_credentials"; readonly registry: string }
  | { readonly kind: "wrong_credentials"; readonly registry: string; readonly source: string }
  | {
    readonly kind: "no_right";
    readonly registry: string;
    /** Where the credential is from that has not the right; absent if there was none. */
    readonly source?: string;
    readonly right: "read" | "write";
  }
  | { readonly kind: "unknown_authority"; readonly host: string }
  | { readonly kind: "no_client_certificate"; readonly host: string }
  | { readonly kind: "not_https"; readonly host: string }
  | { readonly kind: "not_http"; readonly host: string };

/** What to do about it, in the words of a client that knows no flags and no cluster. */
export function advise(problem: Problem): string {
  switch (problem.kind) {
    case "no_credentials":
      return `give credentials for "${problem.registry}"`;
    case "wrong_credentials":
      return `correct the credentials in ${problem.source}`;
    case "no_right":
      return problem.source === undefined
        ? `give credentials for "${problem.registry}"`
        : `grant that user ${problem.right} access`;
    case "unknown_authority":
      return `trust the authority's certificate for "${problem.host}"`;
    case "no_client_certificate":
      return `give a client certificate for "${problem.host}"`;
    case "not_https":
      return `allow plain HTTP for "${problem.host}" if that is meant`;
    case "not_http":
      return `if it speaks HTTPS, do not ask for plain HTTP for "${problem.host}"`;
  }
}
