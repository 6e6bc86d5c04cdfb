import type { BigIntStats } from "node:fs";
import { ERRNO } from "../../errno.ts";
import type { Kind } from "../../paths.ts";
import { Refusal } from "../../refusal.ts";
import { node } from "./node.ts";
import { refusalOf } from "./node_error.ts";
import { Swapped } from "./swapped.ts";
import { isStrangeToWindows, linkTargetOfWindows } from "./windows_names.ts";

/** Tells what a path of this machine names; follows no link at its end. */
export function lookAt(hostPath: string): Kind {
  const windows = Deno.build.os === "windows";
  if (windows && isStrangeToWindows(node.path.basename(hostPath))) throw new Refusal(ERRNO.inval);
  const stats = node.fs.lstatSync(hostPath, { throwIfNoEntry: false });
  if (stats === undefined) return { is: "missing" };
  if (stats.isDirectory()) return { is: "directory" };
  if (!stats.isSymbolicLink()) return { is: "other" };
  return new Link(hostPath);
}

/**
 * A link, which is read once, and only by who follows it: reading changes its time of access. Whoever
 * wants the target asks before the next look, while the way to the link is open.
 */
class Link {
  readonly is = "link";
  readonly #hostPath: string;
  #target: string | undefined;

  constructor(hostPath: string) {
    this.#hostPath = hostPath;
  }

  get target(): string {
    return this.#target ??= readTarget(this.#hostPath);
  }
}

function readTarget(hostPath: string): string {
  try {
    const target = node.fs.readlinkSync(hostPath);
    return Deno.build.os === "windows" ? linkTargetOfWindows(target) : target;
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal !== -ERRNO.inval && refusal !== -ERRNO.noent) throw error;
    throw new Swapped(); // it was a link a moment ago
  }
}

/** What a path of this machine names, links at its end too. Throws what `node:fs` throws. */
export function lstat(hostPath: string): BigIntStats {
  return node.fs.lstatSync(hostPath, { bigint: true });
}

/** True if both paths are the same text, but for dots and for doubled and trailing slashes. */
export function isSamePath(one: string, other: string): boolean {
  const [a, b] = [node.path.resolve(one), node.path.resolve(other)];
  // Windows answers with its own capitals.
  return Deno.build.os === "windows" ? a.toLowerCase() === b.toLowerCase() : a === b;
}

/** The same for the same file only, as long as it exists. */
export function identityOf(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}`;
}
