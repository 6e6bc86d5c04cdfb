/**
 * The image policy as it is now: read again when its file is another.
 *
 * @module
 */
import { type ImagePolicy, loadPolicy } from "./policy.ts";

/**
 * Reads the policy and gives back a function for the newest one. That function throws a `KubeletError`
 * with code `invalid` if the file has become unusable: then no image is taken.
 *
 * Throws the same if it cannot be used now. Keys in files of their own are read with the policy.
 */
export async function openPolicy(path: string): Promise<() => Promise<ImagePolicy>> {
  let version = await versionOf(path);
  let policy = loadPolicy(path);
  await policy;
  return async () => {
    const now = await versionOf(path);
    if (now === undefined || now !== version) {
      version = now;
      policy = loadPolicy(path);
    }
    return await policy;
  };
}

/** Undefined for a file that cannot be looked at. */
async function versionOf(path: string): Promise<string | undefined> {
  const info = await Deno.stat(path).catch(() => undefined);
  return info && `${info.dev} ${info.ino} ${info.size} ${info.mtime?.getTime()}`;
}
