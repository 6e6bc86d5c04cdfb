/**
 * All credentials that a pod may pull an image with, in the order in which they are tried.
 *
 * @module
 */
import type { Secret } from "../../api/types.ts";
import type { Reference } from "../oci/reference.ts";
import { bestFirst, loginsFor, UnreadableConfig } from "./docker_config.ts";
import { type Found, nodeCredentials } from "./node_config.ts";
import { NoAnswer } from "./program.ts";
import { type Provided, type ProviderPlugin, type PullingPod } from "./provider.ts";
import { type CredentialProvider } from "./provider_config.ts";
import { secretCredentials } from "./pull_secrets.ts";
import { NODE, type Owner, type TrackedCredential } from "./tracked.ts";

/** Who wants an image. */
export interface Puller {
  /** The pod's pull secrets, already fetched, in their order. */
  readonly secrets: readonly Secret[];
  /** Absent where no pod is behind it. */
  readonly pod?: PullingPod | undefined;
}

/** What a {@linkcode Keyring} draws on besides pull secrets. */
export interface KeyringOptions {
  /** Files of which the first that is there is the node's Docker configuration. @default {none} */
  readonly dockerConfigFiles?: readonly string[];
  /** In the order of their configuration. @default {none} */
  readonly providers?: readonly NamedProvider[];
}

/** A provider, and what it is called. */
export interface NamedProvider {
  readonly name: CredentialProvider["name"];
  readonly plugin: ProviderPlugin;
}

/** Finds credentials: those of pull secrets, then the node's own, then those of providers. */
export class Keyring {
  readonly #options: KeyringOptions;

  constructor(options: KeyringOptions = {}) {
    this.#options = options;
  }

  /**
   * The credentials that fit an image, best first, and in `troubles` what could not be asked for some.
   *
   * Throws a `KubeletError` with code `image_pull` for a pull secret that cannot be read.
   */
  async find(
    reference: Reference,
    { secrets, pod, signal }: Puller & { readonly signal: AbortSignal },
  ): Promise<Found> {
    const own = secretCredentials(reference, secrets);
    const files = this.#options.dockerConfigFiles ?? [];
    const [node, provided] = await Promise.all([
      nodeCredentials(reference, { files, signal }),
      this.#provided(reference, { pod, signal }),
    ]);
    return {
      credentials: [...own, ...node.credentials, ...provided.credentials],
      troubles: [...node.troubles, ...provided.troubles],
    };
  }

  async #provided(
    reference: Reference,
    options: { readonly pod: PullingPod | undefined; readonly signal: AbortSignal },
  ): Promise<Found> {
    const troubles: string[] = [];
    const asked = (this.#options.providers ?? []).map(async ({ name, plugin }) => {
      try {
        const provided = await plugin.provide(reference, options);
        return provided === undefined ? [] : entriesOf(name, reference, provided);
      } catch (error) {
        if (!(error instanceof NoAnswer || error instanceof UnreadableConfig)) throw error;
        troubles.push(
          error instanceof NoAnswer
            ? error.message
            : `credential provider "${name}" has failed: ${error.message}`,
        );
        return [];
      }
    });
    const entries = (await Promise.all(asked)).flat();
    return { credentials: bestFirst(entries).map(({ tracked }) => tracked), troubles };
  }
}

function entriesOf(
  name: string,
  reference: Reference,
  { auths, account }: Provided,
): { readonly key: string; readonly tracked: TrackedCredential }[] {
  const owner: Owner = account === undefined ? NODE : { kind: "serviceAccount", ...account };
  const source = `credential provider "${name}"`;
  return loginsFor(reference, auths)
    .map(({ key, login }) => ({ key, tracked: { credential: { ...login, source }, owner } }));
}
