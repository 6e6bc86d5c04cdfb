import { ERRNO } from "../../errno.ts";
import { type Kind, splitLast, walk } from "../../paths.ts";
import type { Reach } from "./ground.ts";

/** The last name of a path, in a directory that was reached. */
export interface Name {
  /** What stands there; a link is not followed. */
  readonly kind: Kind;
  readonly hostPath: string;
  /** Slashes follow the name. */
  readonly slash: boolean;
  /** The name is one that nobody can create, remove or rename. */
  readonly dots: "." | ".." | undefined;
}

/** Walks to the directory of the last name, as those calls do that act on the name itself. */
export function nameAt(reach: Reach, path: string): Name | number {
  const split = splitLast(path);
  if (typeof split === "number") return split;
  const { name, slash } = split;
  const parent = walk(split.parent === "" ? "." : split.parent, {
    follow: true,
    look: (parts) => reach.look(parts),
  });
  if (typeof parent === "number") return parent;
  if (parent.kind.is !== "directory") return ERRNO.noent;
  if (name === "." || name === "..") {
    if (name === ".." && parent.parts.length === 0) return ERRNO.perm;
    const hostPath = reach.pathOf(parent.parts);
    return { kind: { is: "directory" }, hostPath, slash, dots: name };
  }
  const parts = [...parent.parts, name];
  return { kind: reach.look(parts), hostPath: reach.pathOf(parts), slash, dots: undefined };
}
