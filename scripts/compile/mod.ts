/**
 * Compiles the program into one binary per platform.
 *
 *     deno task compile [--target=linux-amd64 …] [--out=dist] [--denort=FOLDER]
 *
 * Without `--target` it makes those of all platforms. Archives of the base runtime are looked for in the folder, or
 * where `fetch_denort.ts` places them, and must have the hashes that `denort_pins.json` names; a program
 * named by `DENORT_BIN` is used as it is for all platforms. The same base runtime makes the same binary.
 *
 * @module
 */
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import manifest from "../../deno.json" with { type: "json" };
import { bundle } from "../package/bundle.ts";
import { writeProgram } from "../package/write_program.ts";
import { DenortError, denortFolder, pinned, type Pins, unpackDenort } from "./denort.ts";
import { differences, parseEmbedded } from "./embedded.ts";
import { binaryName, compileArguments, type TargetName, targetNamed, TRIPLES } from "./settings.ts";

/** The time of all embedded files, which a binary tells. */
const WHEN = new Date(Date.UTC(1980, 0, 1));

/** Where base runtimes come from. */
export interface Denort {
  /** A base runtime for all platforms, which nobody verifies. */
  readonly binary?: string | undefined;
  /** Else the folder of archives. */
  readonly folder: string;
  readonly known: Pins;
}

/**
 * Makes the binaries and answers their names. Rejects with a {@linkcode DenortError} if there is no base
 * runtime, and removes a binary that has more or less in it than the program.
 */
export async function compileAll(
  targets: readonly TargetName[],
  { out, denort }: { readonly out: string; readonly denort: Denort },
): Promise<string[]> {
  await using work = await workFolder();
  // Before the bundle is made: whoever has no runtime learns it at once.
  const runtimes: string[] = [];
  for (const target of targets) {
    const to = join(work.path, target);
    await Deno.mkdir(to);
    const { folder: from, known, binary } = denort;
    runtimes.push(binary ?? await unpackDenort(target, { from, to, known }));
  }
  const program = await bundle();
  const source = join(work.path, "program");
  await writeProgram(source, program);
  for (const path of program.keys()) await Deno.utime(join(source, path), WHEN, WHEN);
  await Deno.mkdir(out, { recursive: true });
  const names: string[] = [];
  for (const [index, target] of targets.entries()) {
    const name = binaryName(target, manifest.version);
    const output = resolve(out, name);
    const said = await compile(source, { target, output, runtime: runtimes[index]! });
    const wrong = differences(parseEmbedded(said), program);
    if (wrong.length > 0) {
      await Deno.remove(output);
      throw new DenortError(`Cannot compile for ${target}: in the binary ${wrong.join(", ")}`);
    }
    console.log(`${name}: ${((await Deno.stat(output)).size / 1024 / 1024).toFixed(1)} MiB`);
    names.push(name);
  }
  return names;
}

/** Answers what `deno compile` said. */
async function compile(
  source: string,
  { target, output, runtime }: {
    readonly target: TargetName;
    readonly output: string;
    readonly runtime: string;
  },
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: compileArguments(target, output),
    cwd: source,
    // Telemetry would be fixed in the binary as well.
    env: { NO_COLOR: "1", DENORT_BIN: runtime, OTEL_DENO: "false" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  const said = decoder.decode(stdout) + decoder.decode(stderr);
  if (!success) throw new DenortError(`Cannot compile for ${target}: ${said.trim()}`);
  return said;
}

async function workFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.realPath(await Deno.makeTempDir({ prefix: "krustlet-compile-" }));
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

if (import.meta.main) {
  const { values: { target, out, denort: folder } } = parseArgs({
    args: Deno.args,
    options: {
      target: { type: "string", multiple: true, default: Object.keys(TRIPLES) },
      out: { type: "string", default: "dist" },
      denort: { type: "string" },
    },
  });
  try {
    const binary = Deno.env.get("DENORT_BIN") || undefined;
    if (binary !== undefined) {
      console.error(
        `DENORT_BIN: "${binary}" is used for all platforms, and nobody has verified it`,
      );
    }
    const denort = { binary, folder: folder ?? await denortFolder(), known: pinned() };
    await compileAll(target.map(targetNamed), { out, denort });
  } catch (error) {
    if (!(error instanceof DenortError || error instanceof RangeError)) throw error;
    console.error(error.message);
    Deno.exit(1);
  }
}
