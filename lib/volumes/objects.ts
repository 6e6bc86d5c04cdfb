import type { ObjectSource } from "../api/object_source.ts";
import type { ConfigMap, Pod, Secret } from "../api/types.ts";
import { KubeletError } from "../errors.ts";

/** The ConfigMaps and Secrets of one pod's namespace, each asked for once at most. */
export class PodObjects {
  readonly namespace: string;
  readonly #source: ObjectSource;
  readonly #signal: AbortSignal;
  readonly #configMaps = new Map<string, Promise<ConfigMap | undefined>>();
  readonly #secrets = new Map<string, Promise<Secret | undefined>>();

  constructor(pod: Pod, source: ObjectSource, signal: AbortSignal) {
    this.namespace = pod.metadata?.namespace ?? "default";
    this.#source = source;
    this.#signal = signal;
  }

  /** The ConfigMap, or `undefined` if there is none. */
  configMap(name: string): Promise<ConfigMap | undefined> {
    const known = this.#configMaps.get(name);
    if (known !== undefined) return known;
    const asked = this.#source.configMap(this.namespace, name, this.#signal);
    this.#configMaps.set(name, asked);
    return asked;
  }

  /** The Secret, or `undefined` if there is none. */
  secret(name: string): Promise<Secret | undefined> {
    const known = this.#secrets.get(name);
    if (known !== undefined) return known;
    const asked = this.#source.secret(this.namespace, name, this.#signal);
    this.#secrets.set(name, asked);
    return asked;
  }
}

/** All values of a ConfigMap. Throws a {@linkcode KubeletError} for a value that is not base64. */
export function configMapData(configMap: ConfigMap): Map<string, Uint8Array> {
  const data = decodeAll(`ConfigMap "${configMap.metadata?.name}"`, configMap.binaryData);
  return encodeAll(data, configMap.data);
}

/** All values of a Secret. Throws a {@linkcode KubeletError} for a value that is not base64. */
export function secretData(secret: Secret): Map<string, Uint8Array> {
  const data = decodeAll(`Secret "${secret.metadata?.name}"`, secret.data);
  return encodeAll(data, secret.stringData);
}

function decodeAll(
  owner: string,
  values: Readonly<Record<string, string>> | undefined,
): Map<string, Uint8Array> {
  const data = new Map<string, Uint8Array>();
  for (const [key, value] of Object.entries(values ?? {})) {
    try {
      data.set(key, Uint8Array.fromBase64(value));
    } catch {
      // The decoder's own message could quote the value, which may be a secret.
      throw new KubeletError("invalid", `Cannot read key "${key}" of ${owner}: it is not base64`);
    }
  }
  return data;
}

function encodeAll(
  data: Map<string, Uint8Array>,
  values: Readonly<Record<string, string>> | undefined,
): Map<string, Uint8Array> {
  const encoder = new TextEncoder();
  for (const [key, value] of Object.entries(values ?? {})) data.set(key, encoder.encode(value));
  return data;
}
