/**
 * The official runtime of a platform, wherever it can be had; only the pinned program is taken.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { cached } from "../../tests/parts/cache.ts";
import { fromNpm, fromWheel, type Source } from "./sources.ts";
import type { Target } from "./targets.ts";

/** A runtime that cannot be had, or is not the one that is wanted; the message says what to do. */
export class RuntimeError extends Error {
  /** Stays the same in a minified program. */
  override readonly name = "RuntimeError";
}

/** Where runtimes come from. */
export interface RuntimeOptions {
  /** A folder with `<target>/<program>`, such as `linux-amd64/deno`: nothing else is asked. */
  readonly folder?: string;
  /** Who is asked in turn without a folder: npm and then pip. */
  readonly sources?: readonly Source[];
  /** Where what they bring is kept: with the other parts that are slow to make. */
  readonly keep?: typeof cached;
}

/**
 * Answers the program with the hash that is pinned for the target, which npm and pip are asked for once:
 * then it is in the cache. Throws {@linkcode RuntimeError} with what everybody said.
 */
export async function fetchRuntime(
  target: Target,
  { folder, sources = [fromNpm, fromWheel], keep = cached }: RuntimeOptions = {},
): Promise<Uint8Array> {
  const { program, sha256 } = target.runtime;
  if (folder !== undefined) return await fromFolder(target, folder);
  const entry = await keep({
    name: `runtime-${target.name}`,
    inputs: [sha256],
    build: async (to) => await Deno.writeFile(join(to, program), await askAll(target, sources)),
  });
  const bytes = await Deno.readFile(join(entry, program));
  const wrong = unlike(bytes, sha256);
  if (wrong === undefined) return bytes;
  throw new RuntimeError(`Cannot use "${join(entry, program)}": ${wrong}; remove its folder`);
}

/** What is wrong with bytes that should have this hash, if anything is. */
export function unlike(bytes: Uint8Array, sha256: string): string | undefined {
  const found = createHash("sha256").update(bytes).digest("hex");
  return found === sha256 ? undefined : `its SHA-256 is ${found}, and ${sha256} is pinned`;
}

async function fromFolder({ name, runtime }: Target, folder: string): Promise<Uint8Array> {
  const path = join(folder, name, runtime.program);
  const bytes = await Deno.readFile(path).catch((cause) => {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new RuntimeError(
      `Cannot package ${name}: there is no "${path}"; put deno ${runtime.version} there`,
      { cause },
    );
  });
  const wrong = unlike(bytes, runtime.sha256);
  if (wrong === undefined) return bytes;
  throw new RuntimeError(`Cannot use "${path}": ${wrong}; put deno ${runtime.version} there`);
}

async function askAll(
  { name, runtime }: Target,
  sources: readonly Source[],
): Promise<Uint8Array> {
  const answers: string[] = [];
  for (const source of sources) {
    const { asked, program, problem } = await source(runtime);
    const wrong = program === undefined ? problem : unlike(program, runtime.sha256);
    if (program !== undefined && wrong === undefined) return program;
    answers.push(`  ${asked}: ${wrong}`);
  }
  throw new RuntimeError([
    `Cannot package ${name}: nobody has its runtime, deno ${runtime.version}:`,
    ...answers,
    `Put the official program at <folder>/${name}/${runtime.program} and say --runtimes=<folder>, ` +
    "or package other platforms with --target",
  ].join("\n"));
}
