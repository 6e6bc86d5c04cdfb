import { createHash } from "node:crypto";

/** What a registry may ask for. */
export interface Credential {
  /** Empty where there is only an identity token. */
  readonly username: string;
  /** Or an access token that takes its place. */
  readonly password: string;
  /** An OAuth2 refresh token, which takes the place of the password at a token server. */
  readonly identityToken?: string;
  /** Where it is from, as messages name it: `pull secret "regcred"`. Holds nothing secret. */
  readonly source: string;
}

/** A name for this credential that gives nothing away; equal for equal credentials only. */
export function fingerprint(credential: Credential | undefined): string {
  if (credential === undefined) return "anonymous";
  const { username, password, identityToken = "" } = credential;
  return createHash("sha256").update(JSON.stringify([username, password, identityToken]))
    .digest("hex");
}
