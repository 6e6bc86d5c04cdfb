/**
 * Files that hold secrets: readable by their owner only, and never half written.
 *
 * @module
 */
import { dirname } from "node:path";
import { CertificateError } from "./errors.ts";

/** No key or chain comes near it; more than that is some other file. */
export const FILE_BYTES_MAX = 1024 * 1024;

/**
 * Writes a file beside its place with mode 0600, syncs it and renames it over, so that a reader
 * sees the old content or the new. Missing parents are created with mode 0700.
 *
 * On Windows modes do not exist: the file inherits the access list of its folder
 * (`privacyWarning()` looks at it).
 */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  try {
    await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const beside = `${path}.tmp`;
    await removeIfPresent(beside); // left by a crash; createNew then guarantees the mode
    {
      using file = await Deno.open(beside, { write: true, createNew: true, mode: 0o600 });
      let rest = new TextEncoder().encode(text);
      while (rest.length > 0) rest = rest.subarray(await file.write(rest));
      await file.sync();
    }
    await Deno.rename(beside, path);
  } catch (cause) {
    throw fileError("write", path, cause);
  }
}

/** The text of a file, or `undefined` if there is none. */
export async function readPrivateFile(path: string): Promise<string | undefined> {
  try {
    if ((await Deno.stat(path)).size > FILE_BYTES_MAX) {
      throw new RangeError(`it is larger than ${FILE_BYTES_MAX} bytes`);
    }
    return await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw fileError("read", path, cause);
  }
}

/** When a file was last written, in ms since 1970; `undefined` if there is none, or no such time. */
export async function writtenAtMs(path: string): Promise<number | undefined> {
  try {
    return (await Deno.stat(path)).mtime?.getTime();
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw fileError("look at", path, cause);
  }
}

/** Removes a file; one that is not there is removed already. */
export async function removePrivateFile(path: string): Promise<void> {
  try {
    await removeIfPresent(path);
  } catch (cause) {
    throw fileError("remove", path, cause);
  }
}

/** Renames a file to the first free one of `<path>.bad`, `<path>.bad.2`, … and says which. */
export async function setAside(path: string): Promise<string> {
  for (let number = 1; number <= ASIDE_MAX; number++) {
    const aside = number === 1 ? `${path}.bad` : `${path}.bad.${number}`;
    if (await exists(aside)) continue;
    try {
      await Deno.rename(path, aside);
      return aside;
    } catch (cause) {
      throw fileError("set aside", path, cause);
    }
  }
  throw new CertificateError(
    "invalid",
    `Cannot set aside "${path}": ${ASIDE_MAX} bad files are there already; remove them`,
  );
}

/** Each is a start that found a torn file: a hundred of them need a person. */
const ASIDE_MAX = 100;

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw fileError("look at", path, error);
  }
}

async function removeIfPresent(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function fileError(verb: string, path: string, cause: unknown): CertificateError {
  const state = cause instanceof Error ? cause.message : String(cause);
  return new CertificateError(
    "invalid",
    `Cannot ${verb} "${path}": ${state}; check the file and who may use its folder`,
    { cause },
  );
}
