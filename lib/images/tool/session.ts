/**
 * How a command speaks to a registry, and as whom.
 *
 * @module
 */
import type { Keyring } from "../credentials/keyring.ts";
import { type CredentialPlaces, openKeyring } from "../credentials/open_keyring.ts";
import { mirrorLogins } from "../mirror_logins.ts";
import { OciClient } from "../oci/client.ts";
import { PullFailure } from "../oci/failure.ts";
import { formatReference, type Reference } from "../oci/reference.ts";
import type { Access } from "../oci/tokens.ts";
import { loadRegistries, type RegistrySettings } from "../registry_files.ts";
import type { ToolScreen } from "./transfers.ts";

/** What all three commands are told. */
export interface ToolSettings extends RegistrySettings {
  /** Folder of the node, or of `krustlet run`: its image store, and a place of a Docker configuration. */
  readonly dataDir: string;
  /** Speak plain HTTP to the registry that is named. */
  readonly insecure: boolean;
  /** Where credentials are from, and which images are taken. */
  readonly images: CredentialPlaces & { readonly policyFile: string | undefined };
  /** Print for machines. */
  readonly json: boolean;
  /** Say nothing but the result and what went wrong. */
  readonly quiet: boolean;
}

/** Where a command says things, and when it stops. */
export interface ToolWorld {
  /** Takes results and progress. */
  readonly screen: ToolScreen;
  /** Ends the command; it then rejects with the signal's reason. */
  readonly signal: AbortSignal;
}

/** A client and credentials for one registry. */
export interface ToolSession extends Disposable {
  readonly client: OciClient;
  /**
   * Uses the repository as the first of our credentials that is let in; without any, as nobody.
   *
   * Rejects with the `PullFailure` of the last one.
   */
  enter<T>(use: (access: Access) => Promise<T>): Promise<T>;
}

/** Reads the files that the settings name. Throws a `KubeletError` with code `invalid`. */
export async function openSession(
  reference: Reference,
  settings: ToolSettings,
  signal: AbortSignal,
): Promise<ToolSession> {
  const registries = await loadRegistries(withInsecure(settings, reference));
  const keyring = await openKeyring(settings.images, { ownDir: settings.dataDir });
  const client = new OciClient({ ...registries, mirrorLogin: mirrorLogins(keyring) });
  return {
    client,
    enter: (use) => enter(reference, { keyring, signal }, use),
    [Symbol.dispose]: () => client.close(),
  };
}

/** The settings, with the registry among the insecure ones if the user has said so. */
export function withInsecure(settings: ToolSettings, { registry }: Reference): RegistrySettings {
  const { insecure, insecureRegistries } = settings;
  return insecure
    ? { ...settings, insecureRegistries: [...insecureRegistries, registry] }
    : settings;
}

async function enter<T>(
  reference: Reference,
  { keyring, signal }: { readonly keyring: Keyring; readonly signal: AbortSignal },
  use: (access: Access) => Promise<T>,
): Promise<T> {
  const { credentials, troubles } = await keyring.find(reference, { secrets: [], signal });
  const { registry, repository } = reference;
  for (let i = 0;; i++) {
    try {
      return await use({ registry, repository, credential: credentials[i]?.credential });
    } catch (error) {
      if (!(error instanceof PullFailure) || ![401, 403, 404].includes(error.status ?? 0)) {
        throw error;
      }
      if (i + 1 < credentials.length) continue;
      if (troubles.length === 0) throw error;
      throw new PullFailure(`${error.state} (${troubles.join("; ")})`, { ...error, cause: error });
    }
  }
}

/** The name of exactly these bytes, as a pod may say it: `registry/repository@sha256:…`. */
export function pinned({ registry, repository }: Reference, digest: string): string {
  return formatReference({ registry, repository, digest });
}
