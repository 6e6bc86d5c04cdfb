/**
 * Fetches the base runtime of compiled binaries from Deno's release to where `deno task compile` looks for
 * it, if it has the hash that is pinned.
 *
 *     deno run -A scripts/compile/fetch_denort.ts [--target=linux-amd64 …] [--from=URL]
 *     deno run -A scripts/compile/fetch_denort.ts --pins
 *
 * With `--pins` it keeps nothing, and prints what `denort_pins.json` would have to be: the hashes of what it
 * was sent, each of which is also the one that the release names.
 *
 * @module
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { RUNTIME_VERSION } from "../package/targets.ts";
import {
  denortArchive,
  DenortError,
  denortFolder,
  pinned,
  type Pins,
  sha256Of,
  verifyDenort,
} from "./denort.ts";
import { type TargetName, targetNamed, TRIPLES } from "./settings.ts";

const RELEASES = "https://github.com/denoland/deno/releases/download";
/** Bytes of an archive: 40 MB when this was written. */
const ARCHIVE_BYTES_MAX = 200_000_000;
/** For 40 MB from a slow mirror. */
const FETCH_MS_MAX = 600_000;

/** Fetches the archives of these platforms into a folder. Throws before it writes what is not the pinned one. */
export async function fetchDenort(
  targets: readonly TargetName[],
  { from, to, known }: { readonly from: string; readonly to: string; readonly known: Pins },
): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for (const target of targets) {
    const zip = await download(`${from}/${denortArchive(target)}`);
    verifyDenort(target, zip, known);
    await Deno.writeFile(join(to, denortArchive(target)), zip);
  }
}

/** The hashes of what the release has now. Throws where it names another one beside the archive. */
export async function readPins(targets: readonly TargetName[], from: string): Promise<Pins> {
  const pins: Partial<Record<TargetName, string>> = {};
  for (const target of targets) {
    const archive = denortArchive(target);
    const found = sha256Of(await download(`${from}/${archive}`));
    const told = new TextDecoder().decode(await download(`${from}/${archive}.sha256sum`));
    if (!told.toLowerCase().includes(found)) {
      throw new DenortError(`Cannot pin ${archive}: its SHA-256 is ${found}, and told is ${told}`);
    }
    pins[target] = found;
  }
  return pins;
}

async function download(url: string): Promise<Uint8Array> {
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(FETCH_MS_MAX) });
  } catch (error) {
    throw new DenortError(`Cannot fetch "${url}": ${(error as Error).message}`, { cause: error });
  }
  if (!response.ok) {
    await response.body?.cancel();
    throw new DenortError(`Cannot fetch "${url}": the server says ${response.status}`);
  }
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > ARCHIVE_BYTES_MAX) {
      throw new DenortError(`Cannot fetch "${url}": it has more than ${ARCHIVE_BYTES_MAX} bytes`);
    }
    parts.push(part);
  }
  return new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}

if (import.meta.main) {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      target: { type: "string", multiple: true, default: Object.keys(TRIPLES) },
      from: { type: "string", default: `${RELEASES}/v${RUNTIME_VERSION}` },
      pins: { type: "boolean", default: false },
    },
  });
  try {
    const targets = values.target.map(targetNamed);
    if (values.pins) {
      const sha256 = await readPins(targets, values.from);
      console.log(JSON.stringify({ version: RUNTIME_VERSION, sha256 }, null, 2));
    } else {
      const to = await denortFolder();
      await fetchDenort(targets, { from: values.from, to, known: pinned() });
      console.log(to);
    }
  } catch (error) {
    if (!(error instanceof DenortError || error instanceof RangeError)) throw error;
    console.error(error.message);
    Deno.exit(1);
  }
}
