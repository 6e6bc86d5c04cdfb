import { isAbsolute, normalize } from "node:path";
import type { HostPathVolumeSource } from "../api/types.ts";
import { KubeletError } from "../errors.ts";
import type { MountedVolume, VolumeSource } from "./source.ts";

/** A file or folder of the machine, used where it is and never removed. */
export const hostPathVolume: VolumeSource<HostPathVolumeSource> = {
  async mount({ path, type = "" }): Promise<MountedVolume> {
    checkHostPath(path);
    const info = await statOrCreate(path, type);
    const wrong = typeError(type, info);
    if (wrong !== undefined) {
      throw new KubeletError("volume", `hostPath type check failed: ${path} ${wrong}`);
    }
    return { hostPath: normalize(path), readOnly: false, isFile: !info?.isDirectory };
  },
};

/** Throws a {@linkcode KubeletError} with code `volume` for a path that is not absolute or leads up. */
export function checkHostPath(path: string): void {
  if (path.split(/[\\/]/).includes("..")) {
    throw new KubeletError("volume", `invalid HostPath \`${path}\`: must not contain '..'`);
  }
  if (!isAbsolute(path)) {
    throw new KubeletError("volume", `invalid HostPath \`${path}\`: must be an absolute path`);
  }
}

/** Looks at the path, making what the type allows to be made. */
async function statOrCreate(path: string, type: string): Promise<Deno.FileInfo | undefined> {
  const found = await statOrUndefined(path);
  if (found !== undefined) return found;
  switch (type) {
    // Without a type a kubelet checks nothing, and the container runtime then makes a folder.
    case "":
    case "DirectoryOrCreate":
      await Deno.mkdir(path, { recursive: true, mode: 0o755 });
      break;
    case "FileOrCreate":
      await Deno.writeFile(path, new Uint8Array(), { createNew: true, mode: 0o644 });
      break;
    default:
      return undefined;
  }
  return await Deno.stat(path);
}

/** What is at a path, or `undefined` if nothing is. */
export async function statOrUndefined(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** What is wrong with a path for this type, in a kubelet's words. */
function typeError(type: string, info: Deno.FileInfo | undefined): string | undefined {
  switch (type) {
    case "":
      return undefined;
    case "Directory":
    case "DirectoryOrCreate":
      return info?.isDirectory ? undefined : "is not a directory";
    case "File":
    case "FileOrCreate":
      return info !== undefined && !info.isDirectory ? undefined : "is not a file";
    case "Socket":
      return info?.isSocket ? undefined : "is not a socket file";
    case "CharDevice":
      return info?.isCharDevice ? undefined : "is not a character device";
    case "BlockDevice":
      return info?.isBlockDevice ? undefined : "is not a block device";
    default:
      return `cannot be checked: ${type} is an invalid volume type`;
  }
}
