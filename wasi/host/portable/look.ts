import type { BigIntStats } from "node:fs";
import { ERRNO } from "../../errno.ts";
import type { Kind } from "../../paths.ts";
import { Refusal } from "../../refusal.ts";
import { node } from "./node.ts";
import { refusalOf } from "./node_error.ts";
import { isStrangeToWindows, linkTargetOfWindows } from "./windows_names.ts";

/** Tells what a path of this machine names; follows no link at its end. */
export function lookAt(hostPath: string): Kind {
  const windows = Deno.build.os === "windows";
  if (windows && isStrangeToWindows(node.path.basename(hostPath))) throw new Refusal(ERRNO.inval);
  const stats = node.fs.lstatSync(hostPath, { throwIfNoEntry: false });
  if (stats === undefined) return { is: "missing" };
  if (stats.isDirectory()) return { is: "directory" };
  if (!stats.isSymbolicLink()) return { is: "other" };
  let target: string;
  try {
    target = node.fs.readlinkSync(hostPath);
  } catch (error) {
    if (refusalOf(error) !== -ERRNO.inval) throw error;
    return { is: "missing" }; // it was a link a moment ago
  }
  return { is: "link", target: windows ? linkTargetOfWindows(target) : target };
}

/** What a path of this machine names, links at its end too. Throws what `node:fs` throws. */
export function lstat(hostPath: string): BigIntStats {
  return node.fs.lstatSync(hostPath, { bigint: true });
}

/** The same for the same file only, as long as it exists. */
export function identityOf(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}`;
}
