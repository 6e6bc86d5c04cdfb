/**
 * Makes a keyring of what a user has configured.
 *
 * @module
 */
import { Keyring } from "./keyring.ts";
import { dockerConfigFiles } from "./node_config.ts";
import { ProviderPlugin, type ServiceAccounts } from "./provider.ts";
import { loadProviders } from "./provider_config.ts";

/** Where credentials are from besides pull secrets. */
export interface CredentialPlaces {
  /** The only folder that a Docker configuration is looked for in. @default {the usual ones} */
  readonly dockerConfigDir: string | undefined;
  /** The user's home. */
  readonly home: string | undefined;
  /** Configuration and programs of credential providers. */
  readonly providers: { readonly config: string; readonly binDir: string } | undefined;
}

/**
 * Reads the configuration of credential providers, once; Docker's own is read anew at each pull.
 *
 * Throws a `KubeletError` with code `invalid` for a configuration that cannot be used.
 */
export async function openKeyring(
  places: CredentialPlaces,
  options: {
    /** The agent's own folder, where a kubelet looks first. */
    readonly ownDir: string;
    /** Absent where there is no cluster. */
    readonly accounts?: ServiceAccounts;
  },
): Promise<Keyring> {
  const { dockerConfigDir: named, home, providers } = places;
  const { ownDir: own, accounts } = options;
  const loaded = providers === undefined
    ? []
    : await loadProviders(providers.config, providers.binDir);
  return new Keyring({
    dockerConfigFiles: dockerConfigFiles({ named, own, home }),
    providers: loaded.map((provider) => ({
      name: provider.name,
      plugin: new ProviderPlugin(provider, { binDir: providers!.binDir, accounts }),
    })),
  });
}
