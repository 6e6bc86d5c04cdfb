/**
 * Kubernetes objects as text that kubectl applies.
 *
 * @module
 */

/** Writes objects in YAML, a document for each. */
export async function objectsText(objects: readonly unknown[]): Promise<string> {
  const { stringify } = await import("yaml");
  // No anchors: several objects of ours share a list of verbs. kubectl reads YAML 1.1, for which "no"
  // and "0b1010" (a token may be called so) are no text.
  const form = { aliasDuplicateObjects: false, compat: "yaml-1.1" } as const;
  return objects.map((object) => stringify(object, form)).join("---\n");
}
