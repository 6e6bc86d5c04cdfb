import { libcPaths } from "../../wasi/mod.ts";

/**
 * The path of the C library of this machine; guest processes get leave to call this one file and no
 * other. `undefined` where the libc host does not exist: not Linux, or a library in an unusual place.
 */
export function findLibc(): string | undefined {
  if (Deno.build.os !== "linux") return undefined;
  return libcPaths().find((path) => path.startsWith("/") && exists(path));
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
