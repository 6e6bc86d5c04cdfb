import { basename } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** What a guest process starts with, and the Workers that it loads by their names. */
const ENTRIES = [
  "../../providers/wasi/guest_main.ts",
  "../../providers/wasi/scoped_guest_worker.ts",
  "../../providers/wasi/shared_guest_worker.ts",
  "../../wasi/threads/guest_thread_worker.ts",
];

/**
 * Builds the program of guest processes as a release has it, into a folder: one file for each entry,
 * without comments and source maps. Answers the first entry. Rejects where `deno bundle` cannot have
 * its bundler.
 */
export async function bundleGuests(folder: string): Promise<URL> {
  const built = await Promise.all(ENTRIES.map((entry) => bundle(entry, folder)));
  return pathToFileURL(built[0]!);
}

async function bundle(entry: string, folder: string): Promise<string> {
  const source = fileURLToPath(new URL(entry, import.meta.url));
  const target = `${folder}/${basename(entry, ".ts")}.js`;
  const args = ["bundle", "--quiet", "--minify", "--output", target, source];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  if (!success) {
    throw new Error(`Cannot bundle "${source}": ${new TextDecoder().decode(stderr).trim()}`);
  }
  // The bundler leaves the names of Workers as they are.
  const code = await Deno.readTextFile(target);
  await Deno.writeTextFile(target, code.replaceAll(/(["'`]\.\/\w+_worker)\.ts(["'`])/g, "$1.js$2"));
  return target;
}
