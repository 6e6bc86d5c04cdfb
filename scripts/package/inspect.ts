/**
 * Says what is in release archives, as lines of JSON: files, and what their runtime needs.
 *
 *     deno task package:inspect dist/krustlet-2.0.0-windows-amd64.zip …
 *
 * Ends with 1 if something stands against shipping one.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { basename } from "node:path";
import { gunzipSync } from "node:zlib";
import { unzipSync } from "fflate";
import { extract } from "tar-stream";
import { readExecutable } from "./executables/executable.ts";
import type { Executable } from "./executables/file.ts";
import { objectionsTo } from "./executables/fitness.ts";
import { TARGETS } from "./targets.ts";

/** What is in an archive. */
export interface Inspection {
  readonly archive: string;
  /** By path: size in bytes, and permission bits, which a zip archive is not asked for. */
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly mode?: string }>>;
  readonly runtime: Executable & { readonly path: string };
  /** What stands against shipping it. */
  readonly objections: readonly string[];
}

/** Looks into an archive whose name says for which target it is. Throws for other files. */
export async function inspect(path: string): Promise<Inspection> {
  const archive = basename(path);
  const target = TARGETS.find(({ name, archive: kind }) => archive.endsWith(`-${name}.${kind}`));
  if (target === undefined) {
    throw new Error(`Cannot inspect "${path}": its name is not that of a release archive`);
  }
  const bytes = await Deno.readFile(path);
  const files = target.archive === "zip" ? inZip(bytes) : await inTarGz(bytes);
  const runtimePath = `${
    archive.slice(0, -`.${target.archive}`.length)
  }/lib/${target.runtime.program}`;
  const program = files.get(runtimePath);
  if (program === undefined) {
    throw new Error(`Cannot inspect "${path}": it has no "${runtimePath}"`);
  }
  const runtime = readExecutable(program.content);
  return {
    archive,
    files: Object.fromEntries(
      [...files].map(([name, { content, mode }]) => [
        name,
        { bytes: content.length, ...(mode === undefined ? {} : { mode: mode.toString(8) }) },
      ]),
    ),
    runtime: { path: runtimePath, ...runtime },
    objections: objectionsTo(runtime, target.name),
  };
}

interface Content {
  readonly content: Uint8Array;
  readonly mode?: number;
}

function inZip(bytes: Uint8Array): ReadonlyMap<string, Content> {
  return new Map(Object.entries(unzipSync(bytes)).map(([path, content]) => [path, { content }]));
}

async function inTarGz(bytes: Uint8Array): Promise<ReadonlyMap<string, Content>> {
  const reader = extract();
  reader.end(gunzipSync(bytes));
  const files = new Map<string, Content>();
  for await (const entry of reader) {
    const parts: Uint8Array[] = [];
    for await (const part of entry) parts.push(part as Uint8Array);
    const { name, mode = 0 } = entry.header;
    files.set(name, { content: Buffer.concat(parts), mode });
  }
  return files;
}

if (import.meta.main) {
  const found = await Promise.all(Deno.args.map(inspect));
  for (const one of found) console.log(JSON.stringify(one));
  Deno.exit(found.some(({ objections }) => objections.length > 0) ? 1 : 0);
}
