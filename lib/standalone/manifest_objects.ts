/**
 * ConfigMaps and Secrets from the manifests themselves.
 *
 * @module
 */
import type { ObjectSource } from "../api/object_source.ts";
import type { ConfigMap, KubeObject, Secret } from "../api/types.ts";
import { KubeletError } from "../errors.ts";
import type { Manifest } from "./manifest.ts";

/** Serves the objects of one set of manifests. There is no cluster behind it. */
export class ManifestObjects implements ObjectSource {
  readonly #manifest: Manifest;

  constructor(manifest: Manifest) {
    this.#manifest = manifest;
  }

  configMap(namespace: string, name: string): Promise<ConfigMap | undefined> {
    return Promise.resolve(find(this.#manifest.configMaps, namespace, name));
  }

  secret(namespace: string, name: string): Promise<Secret | undefined> {
    const secret = find(this.#manifest.secrets, namespace, name);
    if (secret?.stringData === undefined) return Promise.resolve(secret);
    // The API server merges stringData into data on writing.
    const written = Object.entries(secret.stringData).map(([key, text]) =>
      [key, new TextEncoder().encode(text).toBase64()] as const
    );
    return Promise.resolve({ ...secret, data: { ...secret.data, ...Object.fromEntries(written) } });
  }

  token(namespace: string, serviceAccount: string): Promise<never> {
    return Promise.reject(
      new KubeletError(
        "volume",
        `Cannot make a token of service account "${namespace}/${serviceAccount}": there is no \
cluster`,
      ),
    );
  }
}

function find<T extends KubeObject>(
  objects: readonly T[],
  namespace: string,
  name: string,
): T | undefined {
  return objects.find(({ metadata }) =>
    metadata?.namespace === namespace && metadata.name === name
  );
}
