/**
 * Makes an image store of what a user has configured.
 *
 * @module
 */
import type { ObjectSource } from "../api/object_source.ts";
import { type CredentialPlaces, openKeyring } from "./credentials/open_keyring.ts";
import { serviceAccountsOf } from "./credentials/service_accounts.ts";
import { checkAllowlistEntry, type Verification } from "./credentials/verification.ts";
import { KubeletError, messageOf } from "../errors.ts";
import { ImageStore, type ImageStoreOptions } from "./images.ts";
import type { PullLimits } from "./pull_gate.ts";
import { loadRegistries, type RegistrySettings } from "./registry_files.ts";
import { openPolicy } from "./signing/policy_file.ts";

/** What a user says of credentials, rights and pulls. */
export interface StoreSettings extends CredentialPlaces {
  /** File with the image policy; undefined takes every image. */
  readonly policyFile: string | undefined;
  /** For which images that are here a pod must show a right. @default {as a kubelet} */
  readonly verification?: Verification;
  /** How many pulls there may be. @default {any number} */
  readonly pulls?: PullLimits;
}

/** Options of {@linkcode openImageStore}. */
export interface OpenStoreOptions
  extends Pick<ImageStoreOptions, "dir" | "localModules" | "takes" | "onDiskFull"> {
  readonly settings: StoreSettings;
  readonly registries: RegistrySettings;
  /** The agent's own folder, where a kubelet looks for a Docker configuration first. */
  readonly ownDir: string;
  /** For credential providers that work with service accounts. */
  readonly objects: ObjectSource;
}

/**
 * Reads the files that the settings name.
 *
 * Throws a `KubeletError` with code `invalid` for one that cannot be used.
 */
export async function openImageStore(options: OpenStoreOptions): Promise<ImageStore> {
  const { settings, registries, ownDir, objects, ...rest } = options;
  const accounts = serviceAccountsOf(objects);
  const { policyFile, verification, pulls } = settings;
  for (const entry of verification?.allowlist ?? []) checkEntry(entry);
  return new ImageStore({
    ...rest,
    registries: await loadRegistries(registries),
    keyring: await openKeyring(settings, { ownDir, ...(accounts && { accounts }) }),
    verification,
    pulls,
    policy: policyFile === undefined ? undefined : await openPolicy(policyFile),
  });
}

function checkEntry(entry: string): void {
  try {
    checkAllowlistEntry(entry);
  } catch (error) {
    throw new KubeletError(
      "invalid",
      `Cannot use --preloaded-images-verification-allowlist: ${messageOf(error)}`,
    );
  }
}
