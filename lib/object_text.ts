/**
 * Kubernetes objects in files, as kubectl reads them.
 *
 * @module
 */
import { parseAllDocuments, type ScalarTag, type Tags } from "yaml";
import type { KubeObject } from "./api/types.ts";

/** A number of YAML 1.1, which the API's file modes are written in. */
const OCTAL: ScalarTag = {
  tag: "tag:yaml.org,2002:int",
  default: true,
  test: /^0[0-7]+$/,
  resolve: (text) => Number.parseInt(text, 8),
};
/** Aliases that one document may expand, so that a small file does not become a large object. */
const ALIASES_MAX = 100;

/**
 * The objects of a text in YAML or JSON: several documents, and the items of Lists. Empty documents are
 * left out. Throws an `Error` that says what is wrong, and where.
 */
export function* objectsIn(text: string): Generator<KubeObject> {
  // Merge keys and octal modes (0644) as kubectl reads them.
  const dialect = { merge: true, customTags: (tags: Tags) => [OCTAL, ...tags] };
  for (const document of parseAllDocuments(text, dialect)) {
    const [error] = document.errors;
    if (error !== undefined) throw new Error(error.message.trim());
    const value: unknown = document.toJS({ maxAliasCount: ALIASES_MAX });
    if (value === null || value === undefined) continue;
    if (typeof value !== "object" || Array.isArray(value)) {
      throw new Error("a document is not a Kubernetes object (a map with apiVersion and kind)");
    }
    const object = value as KubeObject & { items?: KubeObject[] };
    if (object.kind === "List" || object.kind === "PodList") yield* object.items ?? [];
    else yield object;
  }
}
