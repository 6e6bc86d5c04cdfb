/**
 * Objects of any kind, by their own words.
 *
 * @module
 */
import { type ApiClient, isNotFound } from "./client.ts";
import type { KubeObject } from "./types.ts";

/** Names an object of any kind. */
export interface AnyReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

/** Creates and gets objects whose kind is not known before. */
export interface AnyObjects {
  create(object: KubeObject, signal?: AbortSignal): Promise<unknown>;
  /** `undefined` if there is none. */
  get<T>(reference: AnyReference, signal?: AbortSignal): Promise<T | undefined>;
}

/** Objects of any kind whose plural is the kind and an "s", through this client. */
export function anyObjects(client: ApiClient): AnyObjects {
  return {
    create: (object, signal) => client.create(collection(object), object, { signal }),
    get: async (reference, signal) => {
      const { apiVersion, kind, namespace, name } = reference;
      const metadata = namespace === undefined ? {} : { namespace };
      try {
        const path = `${collection({ apiVersion, kind, metadata })}/${encodeURIComponent(name)}`;
        return await client.get(path, { signal });
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
  };
}

function collection({ apiVersion = "v1", kind = "", metadata }: KubeObject): string {
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const plural = `${kind.toLowerCase()}s`;
  const namespace = metadata?.namespace;
  return namespace === undefined
    ? `${root}/${plural}`
    : `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}`;
}
