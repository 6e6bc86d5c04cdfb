/**
 * The base runtime of compiled binaries, `denort`, as its maker publishes it. `deno compile` would
 * fetch one by itself and look at no hash of it, so it is never left to that.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { RUNTIME_VERSION } from "../package/targets.ts";
import pins from "./denort_pins.json" with { type: "json" };
import { type TargetName, TRIPLES } from "./settings.ts";

/** SHA-256 of denort's archive for each platform, in hexadecimal digits. */
export type Pins = Readonly<Partial<Record<TargetName, string>>>;

/** A base runtime that cannot be had, or is not the one that is wanted; the message says what to do. */
export class DenortError extends Error {
  /** Stays the same in a minified program. */
  override readonly name = "DenortError";
}

/** The pins of the repository. */
export function pinned(): Pins {
  return pins.sha256;
}

/** The name of denort's archive for a platform, in Deno's releases and in its cache. */
export function denortArchive(target: TargetName): string {
  return `denort-${TRIPLES[target]}.zip`;
}

/** Where `deno compile` keeps archives of denort: `$DENO_DIR/dl/release/v<version>`. */
export async function denortFolder(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--no-config"],
    stderr: "inherit",
  }).output();
  const { denoDir }: { readonly denoDir: string } = JSON.parse(new TextDecoder().decode(stdout));
  return join(denoDir, "dl", "release", `v${RUNTIME_VERSION}`);
}

/** Throws {@linkcode DenortError} unless a hash is pinned for the platform and the archive has it. */
export function verifyDenort(target: TargetName, zip: Uint8Array, known: Pins): void {
  const expected = known[target];
  const found = sha256Of(zip);
  if (found === expected) return;
  throw new DenortError(
    expected === undefined
      ? `Cannot use ${denortArchive(target)}: no hash is pinned for it; ${HOW_TO_PIN}`
      : `Cannot use ${denortArchive(target)}: its SHA-256 is ${found}, and ${expected} is pinned`,
  );
}

/** In hexadecimal digits. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/**
 * The verified base runtime of a platform, unpacked into a folder; answers its path. Throws
 * {@linkcode DenortError} if it is not there.
 */
export async function unpackDenort(
  target: TargetName,
  { from, to, known }: { readonly from: string; readonly to: string; readonly known: Pins },
): Promise<string> {
  const archive = join(from, denortArchive(target));
  let zip: Uint8Array;
  try {
    zip = await Deno.readFile(archive);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new DenortError(
      `Cannot compile for ${target}: there is no base runtime "${archive}"; fetch it by "deno run -A ` +
        `scripts/compile/fetch_denort.ts --target=${target}", place it there by hand, or name one in DENORT_BIN`,
    );
  }
  verifyDenort(target, zip, known);
  const program = target.startsWith("windows") ? "denort.exe" : "denort";
  const bytes = unzipSync(zip, { filter: ({ name }) => name === program })[program];
  if (bytes === undefined) throw new DenortError(`Cannot use "${archive}": it has no ${program}`);
  const path = join(to, program);
  await Deno.writeFile(path, bytes, { mode: 0o755 });
  return path;
}

const HOW_TO_PIN =
  'look at what "deno run -A scripts/compile/fetch_denort.ts --pins" prints, compare ' +
  "it with Deno's release, and write it into scripts/compile/denort_pins.json";
