/**
 * Credentials together with whom they belong to.
 *
 * @module
 */
import type { Credential } from "../oci/credential.ts";

/**
 * Whose right a credential stands for. A Secret's is also known by the hash of the credential, so that
 * the same one in another Secret, and another one in the same Secret, are found.
 */
export type Owner =
  | { readonly kind: "node" }
  | {
    readonly kind: "secret";
    readonly uid: string;
    readonly namespace: string;
    readonly name: string;
    /** Gives nothing of the credential away. */
    readonly hash: string;
  }
  | {
    readonly kind: "serviceAccount";
    readonly uid: string;
    readonly namespace: string;
    readonly name: string;
  };

/** A credential, and whose right it stands for. */
export interface TrackedCredential {
  readonly credential: Credential;
  readonly owner: Owner;
}

/** What every pod of the node may use. */
export const NODE: Owner = { kind: "node" };
