import { createHash } from "node:crypto";

/** What a registry may ask for. */
export interface Credential {
  readonly username: string;
  readonly password: string;
  /** An OAuth2 refresh token, which takes the place of the password at a token server. */
  readonly identityToken?: string;
  /** Where it is from, for messages: as a rule the name of a Secret. */
  readonly source: string;
}

/** A name for this credential that gives nothing away; equal for equal credentials only. */
export function fingerprint(credential: Credential | undefined): string {
  if (credential === undefined) return "anonymous";
  const { username, password, identityToken = "" } = credential;
  return createHash("sha256").update(JSON.stringify([username, password, identityToken]))
    .digest("hex");
}
