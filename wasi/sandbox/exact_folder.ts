import {
  AT_FDCWD,
  MACHINES,
  O_CLOEXEC,
  O_PATH,
  RESOLVE_NO_SYMLINKS,
} from "../host/libc/constants.ts";
import { CALL, type Kernel, SCRATCH_BYTES } from "./kernel.ts";

const { O_DIRECTORY, O_NOFOLLOW } = MACHINES[Deno.build.arch];
const FLAGS = O_PATH | O_DIRECTORY | O_CLOEXEC;
const OPEN_HOW_BYTES = 24;
/** Behind the longest path that the kernel takes. */
const OPEN_HOW_AT = SCRATCH_BYTES - OPEN_HOW_BYTES;
const EPERM = 1;
const ENOTDIR = 20;
const EINVAL = 22;
const ENAMETOOLONG = 36;
const ENOSYS = 38;
/** What is answered for a path with a link in it. */
export const ELOOP = 40;

/**
 * Opens a folder by an absolute path, for nothing but to point at it, and through no link, whoever swaps
 * names on the way meanwhile: by `openat2`, and by walking where the kernel or a filter lacks that.
 *
 * Answers a descriptor or a negated error number; {@linkcode ELOOP} for a link, or for something else
 * that is no folder when walking.
 */
export function openExactFolder(
  kernel: Kernel,
  path: string,
  by?: "openat2" | "walking",
): number {
  if (!path.startsWith("/")) return -EINVAL;
  if (by === "walking") return walk(kernel, path);
  const answer = openInKernel(kernel, path);
  const lacking = answer === -ENOSYS || answer === -EPERM;
  return lacking && by === undefined ? walk(kernel, path) : answer;
}

function openInKernel(kernel: Kernel, path: string): number {
  const { scratch, scratchAddress } = kernel;
  if (!kernel.writeText(path)) return -ENAMETOOLONG;
  scratch.setBigUint64(OPEN_HOW_AT, BigInt(FLAGS), true);
  scratch.setBigUint64(OPEN_HOW_AT + 8, 0n, true);
  scratch.setBigUint64(OPEN_HOW_AT + 16, BigInt(RESOLVE_NO_SYMLINKS), true);
  const how = scratchAddress + BigInt(OPEN_HOW_AT);
  return kernel.call(CALL.openat2, AT_FDCWD, scratchAddress, how, OPEN_HOW_BYTES);
}

/** Opens each name in the folder before it, which stays open until then. */
function walk(kernel: Kernel, path: string): number {
  let here = openName(kernel, AT_FDCWD, "/");
  for (const name of path.split("/").filter((name) => name !== "")) {
    if (here < 0) break;
    const next = openName(kernel, here, name);
    kernel.call(CALL.close, here);
    here = next;
  }
  return here === -ENOTDIR ? -ELOOP : here;
}

function openName(kernel: Kernel, folder: number, name: string): number {
  if (!kernel.writeText(name)) return -ENAMETOOLONG;
  return kernel.call(CALL.openat, folder, kernel.scratchAddress, FLAGS | O_NOFOLLOW, 0);
}
