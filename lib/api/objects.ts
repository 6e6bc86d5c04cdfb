/**
 * Objects of any kind, by their own words.
 *
 * @module
 */
import { type ApiClient, isNotFound } from "./client.ts";
import type { KubeObject } from "./types.ts";

/** Names an object of any kind. */
export interface AnyReference {
  /** Group and version, as `v1` or `apps/v1`. */
  readonly apiVersion: string;
  /** CamelCase word for the type, as `Pod`. */
  readonly kind: string;
  /** Absent for a kind that belongs to no namespace. */
  readonly namespace?: string;
  /** `metadata.name`; it is encoded, so it cannot lead elsewhere. */
  readonly name: string;
}

/** Creates and gets objects whose kind is not known before. */
export interface AnyObjects {
  /** Creates the object where its own metadata says. Rejects if there is one of that name. */
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
