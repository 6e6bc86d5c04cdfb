/**
 * Makes release archives: the official runtime, the program as a bundle, and a launcher.
 *
 *     deno task package [--target=linux-amd64 …] [--out=dist]
 *
 * Without `--target` it makes those of all platforms that a runtime is pinned for.
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
import { launcher } from "./launcher.ts";
import { fetchRuntime, RuntimeError } from "./runtime.ts";
import { type Lock, sbom } from "./sbom.ts";
import { RUNTIME_VERSION, type Target, TARGETS } from "./targets.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const DOCUMENTS = ["README.md", "LICENSE", "CHANGELOG.md"];
/** What the import map has for tests and scripts. */
const UNUSED = ["@types/", "assemblyscript", "fast-check", "fflate", "tar-stream", "wabt"];

/** Makes the archives and `checksums-<version>.txt`; returns their names. */
export async function packageAll(targets: readonly Target[], out: string): Promise<string[]> {
  const { version } = manifest;
  await Deno.mkdir(out, { recursive: true });
  const program = await bundle();
  const made: { name: string; sha256: string }[] = [];
  for (const target of targets) {
    const folder = `krustlet-${version}-${target.name}`;
    const files = await contentOf(target, { version, program });
    const inFolder = files.map((file) => ({ ...file, path: `${folder}/${file.path}` }));
    const bytes = target.archive === "zip" ? zip(inFolder) : await tarGz(inFolder);
    const name = `${folder}.${target.archive}`;
    await Deno.writeFile(join(out, name), bytes);
    made.push({ name, sha256: createHash("sha256").update(bytes).digest("hex") });
    console.log(`${name}: ${(bytes.length / 1024 / 1024).toFixed(1)} MiB`);
  }
  const checksums = `checksums-${version}.txt`;
  await Deno.writeTextFile(join(out, checksums), checksumLines(made));
  return [...made.map(({ name }) => name), checksums];
}

/** As `sha256sum -c` reads them. */
export function checksumLines(files: readonly { name: string; sha256: string }[]): string {
  return files.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join("");
}

async function contentOf(
  target: Target,
  { version, program }: { version: string; program: ReadonlyMap<string, string> },
): Promise<ArchiveFile[]> {
  const runtime = await fetchRuntime(target);
  const start = launcher(target);
  const lock: Lock = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.lock")));
  const sha512 = createHash("sha512").update(runtime).digest("hex");
  const bill = sbom(lock, {
    version,
    unused: UNUSED,
    runtime: { version: RUNTIME_VERSION, sha512 },
  });
  const texts = [
    ...[...program].map(([path, text]) => [`lib/${path}`, text] as const),
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

/** The targets of these names; all that can be made without names. */
export function chooseTargets(names: readonly string[]): readonly Target[] {
  if (names.length === 0) return TARGETS.filter(({ runtime }) => runtime.integrity !== undefined);
  return names.map((name) => {
    const target = TARGETS.find((one) => one.name === name);
    if (target !== undefined) return target;
    const known = TARGETS.map((one) => one.name).join(", ");
    throw new RuntimeError(`Cannot package "${name}": there are ${known}`);
  });
}

if (import.meta.main) {
  const { values: { target, out } } = parseArgs({
    args: Deno.args,
    options: {
      target: { type: "string", multiple: true, default: [] },
      out: { type: "string", default: "dist" },
    },
  });
  try {
    await packageAll(chooseTargets(target), out);
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    console.error(error.message);
    Deno.exit(1);
  }
}
