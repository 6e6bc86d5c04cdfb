/**
 * `$(NAME)` references in manifests, as env values, commands, args and `subPathExpr` have them.
 *
 * Here and not in `container/`, because mounts need it too and a volume knows no container's room.
 *
 * @module
 */

/** `$$`, or a reference, whose name is whatever stands before the next closing bracket. */
const REFERENCE = /\$(?:\$|\(([^)]*)\))/g;

/**
 * Replaces each `$(NAME)` by what `lookup` says. `$$` is a dollar sign, so `$$(NAME)` is kept as the
 * text `$(NAME)`; a name that `lookup` does not know stays as it is written.
 */
export function expandReferences(
  text: string,
  lookup: (name: string) => string | undefined,
): string {
  return text.replace(
    REFERENCE,
    (reference, name: string | undefined) => name === undefined ? "$" : lookup(name) ?? reference,
  );
}
