/**
 * Small deeds with the store's files, and what the system's refusals mean.
 *
 * @module
 */
import { dirname } from "node:path";
import { clean, PullFailure } from "../oci/failure.ts";

/**
 * Puts a new file in the place of an old one: whole or not at all, also after a power failure. It is
 * written as `<path>.new` first, so two writers must not come at once.
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const folder = dirname(path);
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  const draft = `${path}.new`;
  try {
    {
      using file = await Deno.open(draft, {
        create: true,
        truncate: true,
        write: true,
        mode: 0o600,
      });
      const bytes = new TextEncoder().encode(text);
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      await file.sync();
    }
    await Deno.rename(draft, path);
    await syncFolder(folder);
  } catch (error) {
    // The failure that led here is what the caller must hear of.
    await Deno.remove(draft).catch(() => {});
    throw error;
  }
}

/** Puts a folder's names on disk. Windows has no such thing, and keeps them by itself. */
async function syncFolder(path: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  using folder = await Deno.open(path);
  await folder.sync();
}

/** Puts what the operating system refuses into a person's words; other errors stay as they are. */
export function diskFailure(error: unknown, dir: string): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (!(error instanceof Error) || typeof code !== "string" || !/^E[A-Z]/.test(code)) return error;
  const states: Readonly<Record<string, string>> = {
    ENOSPC: `no space is left on the disk of "${dir}"; free some or move it`,
    EDQUOT: `the disk quota for "${dir}" is used up; free some or raise it`,
    EROFS: `the disk of "${dir}" is read-only`,
    EACCES: `this process may not read and write "${dir}"`,
    EPERM: `this process may not read and write "${dir}"`,
  };
  return new PullFailure(states[code] ?? `"${dir}" cannot be used: ${clean(error.message)}`, {
    cause: error,
  });
}

/** For what may be gone already. */
export function ignoreNotFound(error: unknown): undefined {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
  return undefined;
}
