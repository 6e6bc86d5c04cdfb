/**
 * Makes release archives: the official runtime, the program as a bundle, and a launcher.
 *
 *     deno task package [--target=linux-amd64 …] [--out=dist] [--runtimes=FOLDER]
 *
 * Without `--target` it makes those of all platforms. With `--try` it makes none, and says which of them it
 * can: their runtimes are in the cache then.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import manifest from "../../deno.json" with { type: "json" };
import { type ArchiveFile, tarGz, zip } from "./archive.ts";
import { bundle } from "./bundle.ts";
import { readExecutable } from "./executables/executable.ts";
import { objectionsTo } from "./executables/fitness.ts";
import { importLate } from "./late_imports.ts";
import { launcher } from "./launcher.ts";
import { fetchRuntime, RuntimeError } from "./runtime.ts";
import { type Lock, sbom } from "./sbom.ts";
import { type Target, TARGETS } from "./targets.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const DOCUMENTS = ["README.md", "LICENSE", "CHANGELOG.md"];
/** What the import map has for tests and scripts. */
const UNUSED = ["@types/", "assemblyscript", "fast-check", "fflate", "tar-stream", "wabt"];
/** Each has a runtime of 100 MB in memory, twice. */
const AT_ONCE_MAX = 2;

/** What archives are made of, and where they go. */
export interface PackageOptions {
  readonly out: string;
  /** A folder with runtimes, as `linux-amd64/deno`; without one they are fetched. */
  readonly runtimes?: string;
}

/**
 * Makes the archives and `checksums-<version>.txt`; returns their names. Makes none if a runtime cannot be
 * had: throws {@linkcode RuntimeError} for all that are missing.
 */
export async function packageAll(
  targets: readonly Target[],
  { out, runtimes }: PackageOptions,
): Promise<string[]> {
  const { missing } = await tryRuntimes(targets, runtimes);
  if (missing.length > 0) throw new RuntimeError(missing.join("\n"));
  const { version } = manifest;
  await Deno.mkdir(out, { recursive: true });
  const program = await bundle();
  const made = await inLanes(targets, async (target) => {
    const runtime = await runtimeOf(target, runtimes);
    const folder = `krustlet-${version}-${target.name}`;
    const files = await contentOf(target, { version, program, runtime });
    const inFolder = files.map((file) => ({ ...file, path: `${folder}/${file.path}` }));
    const bytes = target.archive === "zip" ? zip(inFolder) : await tarGz(inFolder);
    const name = `${folder}.${target.archive}`;
    await Deno.writeFile(join(out, name), bytes);
    console.log(`${name}: ${(bytes.length / 1024 / 1024).toFixed(1)} MiB`);
    return { name, sha256: createHash("sha256").update(bytes).digest("hex") };
  });
  const checksums = `checksums-${version}.txt`;
  await Deno.writeTextFile(join(out, checksums), checksumLines(made));
  return [...made.map(({ name }) => name), checksums];
}

/** As `sha256sum -c` reads them. */
export function checksumLines(files: readonly { name: string; sha256: string }[]): string {
  return files.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join("");
}

/** The targets of these names; all without names. */
export function chooseTargets(names: readonly string[]): readonly Target[] {
  if (names.length === 0) return TARGETS;
  return names.map((name) => {
    const target = TARGETS.find((one) => one.name === name);
    if (target !== undefined) return target;
    const known = TARGETS.map((one) => one.name).join(", ");
    throw new RuntimeError(`Cannot package "${name}": there are ${known}`);
  });
}

/** The runtime, if it is one that can be shipped for the target. */
async function runtimeOf(target: Target, folder: string | undefined): Promise<Uint8Array> {
  const runtime = await fetchRuntime(target, folder === undefined ? {} : { folder });
  const objections = objectionsTo(readExecutable(runtime), target.name);
  if (objections.length === 0) return runtime;
  throw new RuntimeError(`Cannot package ${target.name}: of its runtime, ${objections.join("; ")}`);
}

async function tryRuntimes(
  targets: readonly Target[],
  folder: string | undefined,
): Promise<{ readonly there: string[]; readonly missing: string[] }> {
  const [there, missing]: [string[], string[]] = [[], []];
  for (const target of targets) {
    try {
      await runtimeOf(target, folder);
      there.push(target.name);
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error;
      missing.push(error.message);
    }
  }
  return { there, missing };
}

async function contentOf(
  target: Target,
  { version, program, runtime }: {
    readonly version: string;
    readonly program: ReadonlyMap<string, string>;
    readonly runtime: Uint8Array;
  },
): Promise<ArchiveFile[]> {
  const start = launcher(target);
  const lock: Lock = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.lock")));
  const sha512 = createHash("sha512").update(runtime).digest("hex");
  const bill = sbom(lock, {
    version,
    unused: UNUSED,
    runtime: { version: target.runtime.version, sha512 },
  });
  const texts = [
    ...[...program].map(([path, text]) => [`lib/${path}`, importLate(text)] as const),
    ["sbom.cdx.json", `${JSON.stringify(bill, null, 2)}\n`] as const,
    ...await Promise.all(
      DOCUMENTS.map(async (name) => [name, await Deno.readTextFile(join(ROOT, name))] as const),
    ),
  ];
  const encoder = new TextEncoder();
  return [
    { path: `lib/${target.runtime.program}`, bytes: runtime, executable: true },
    { path: start.path, bytes: encoder.encode(start.text), executable: true },
    ...texts.map(([path, text]) => ({ path, bytes: encoder.encode(text), executable: false })),
  ];
}

/** What becomes of each, in their order; {@linkcode AT_ONCE_MAX} at a time. */
async function inLanes<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const left = items.entries();
  const lane = async (): Promise<void> => {
    for (const [index, item] of left) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE_MAX }, lane));
  return results;
}

if (import.meta.main) {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      target: { type: "string", multiple: true, default: [] },
      out: { type: "string", default: "dist" },
      runtimes: { type: "string" },
      try: { type: "boolean", default: false },
    },
  });
  try {
    const targets = chooseTargets(values.target);
    const { out, runtimes } = values;
    if (values.try) {
      const { there, missing } = await tryRuntimes(targets, runtimes);
      for (const name of there) console.log(name);
      for (const message of missing) console.error(message);
    } else await packageAll(targets, { out, ...(runtimes === undefined ? {} : { runtimes }) });
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    console.error(error.message);
    Deno.exit(1);
  }
}
