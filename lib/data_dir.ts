/**
 * The data folder and single files beside it.
 *
 * @module
 */
import { KubeletError, messageOf } from "./errors.ts";

/**
 * Takes the data folder for this process, and makes it if it is missing. The lock is the system's:
 * it ends with the process, however that ends.
 *
 * @throws {KubeletError} `invalid` if another agent has it, or it cannot be made.
 */
export async function lockDataDir(dataDir: string): Promise<void> {
  const path = `${dataDir}/agent.lock`;
  let file: Deno.FsFile;
  try {
    await Deno.mkdir(dataDir, { recursive: true, mode: 0o700 });
    file = await Deno.open(path, { create: true, write: true, mode: 0o600 });
  } catch (error) {
    throw new KubeletError(
      "invalid",
      `Cannot use data folder "${dataDir}": ${messageOf(error)}; give another one with --data-dir`,
    );
  }
  if (await file.tryLock(true)) return; // stays open, and so locked, for as long as we live
  file.close();
  throw new KubeletError(
    "invalid",
    `Cannot use data folder "${dataDir}": another krustlet is at work there; give another one with \
--data-dir, and another --port and --node-name`,
  );
}

/** True if there is something under this path. Throws if that cannot be told. */
export async function fileExists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Reads a file that the user named.
 *
 * @param flag who named it, for the message.
 * @throws {KubeletError} `invalid` if it cannot be read.
 */
export async function readText(path: string, flag: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new KubeletError("invalid", `Cannot read "${path}" (${flag}): ${messageOf(error)}`);
  }
}
