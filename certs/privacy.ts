/**
 * Whether a folder of secrets is private on this system.
 *
 * @module
 */
import { join } from "node:path";
import { broadGroups } from "./windows_access.ts";

/** `icacls` reads one access list, and no more. */
const ICACLS_MS_MAX = 10_000;

/** What {@linkcode privacyWarning} asks of the system. */
export interface PrivacyWorld {
  /** The operating system, as `Deno.build.os`. */
  readonly os: typeof Deno.build.os;
  /** A folder's access list as SDDL; `undefined` if it cannot be had. */
  accessList(folder: string): Promise<string | undefined>;
}

const THIS_MACHINE: PrivacyWorld = { os: Deno.build.os, accessList };

/**
 * What an operator should know about secrets in this folder, with what to do; `undefined` if all is well.
 *
 * Elsewhere files have modes, and are made for their owner. On Windows they inherit the access list of
 * their folder, so that is looked at.
 */
export async function privacyWarning(
  folder: string,
  world: PrivacyWorld = THIS_MACHINE,
): Promise<string | undefined> {
  if (world.os !== "windows") return undefined;
  const list = await world.accessList(folder);
  const groups = list === undefined ? undefined : broadGroups(list);
  if (groups?.length === 0) return undefined;
  const who = groups === undefined
    ? "it cannot be told whom that lets in"
    : `that lets in ${groups.join(", ")}`;
  return `Private keys in "${folder}" are as private as that folder, and ${who}; to make it yours alone: \
icacls "${folder}" /inheritance:r /grant:r "%USERNAME%:(OI)(CI)F"`;
}

/** As `icacls /save` writes it, which is the same in every language: the folder's name, then its list. */
async function accessList(folder: string): Promise<string | undefined> {
  let dir: string | undefined;
  try {
    dir = await Deno.makeTempDir({ prefix: "krustlet-" });
    const file = join(dir, "access");
    const { success } = await new Deno.Command("icacls", {
      args: [folder, "/save", file, "/q"],
      ...{ stdin: "null", stdout: "null", stderr: "null" },
      signal: AbortSignal.timeout(ICACLS_MS_MAX),
    }).output();
    return success ? new TextDecoder("utf-16le").decode(await Deno.readFile(file)) : undefined;
  } catch {
    return undefined; // a Windows without it, or one that does not let us ask
  } finally {
    if (dir !== undefined) await Deno.remove(dir, { recursive: true }).catch(() => {});
  }
}
