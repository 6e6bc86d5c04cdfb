/**
 * Who carries the official runtime: npm packages and Python wheels, fetched by their own tools from wherever
 * these are set up to fetch. What they bring is not trusted.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { unzipSync } from "fflate";
import { extract } from "tar-stream";
import type { Runtime } from "./targets.ts";

/** Asks one carrier for a runtime's program; never throws for what the carrier does. */
export type Source = (runtime: Runtime) => Promise<Answer>;

/** What a carrier had, or why it had nothing. */
export interface Answer {
  /** As somebody would type it. */
  readonly asked: string;
  readonly program?: Uint8Array;
  readonly problem?: string;
}

/** A fetch of 45 MB by a slow line. */
const FETCH_MS_MAX = 15 * 60_000;
const WINDOWS = Deno.build.os === "windows";

/** The npm package, by `npm pack`. */
export const fromNpm: Source = async ({ npm, version, program }) => {
  const asked = `npm pack ${npm}@${version}`;
  const command = [WINDOWS ? "npm.cmd" : "npm", "pack", "--loglevel=error", `${npm}@${version}`];
  return await fetched({ asked, program }, {
    command,
    open: async (bytes) => await fileOfTar(gunzipSync(bytes), `package/${program}`),
  });
};

/** The Python wheel, by `pip download`. */
export const fromWheel: Source = async ({ wheel, version, program }) => {
  if (wheel === undefined) return { asked: "pip download", problem: "there is no such wheel" };
  const asked = `pip download deno==${version} (${wheel})`;
  const command = [
    ...[WINDOWS ? "python" : "python3", "-m", "pip", "download", "--quiet", "--no-deps"],
    ...["--disable-pip-version-check", "--only-binary=:all:", `--platform=${wheel}`],
    ...["--dest=.", `deno==${version}`],
  ];
  const path = `deno-${version}.data/scripts/${program}`;
  return await fetched({ asked, program }, {
    command,
    open: (bytes) => unzipSync(bytes, { filter: ({ name }) => name === path })[path],
  });
};

/** The line of a tool's complaint that says what is wrong; tools put advice around it. */
export function complaintOf(stderr: string): string {
  const lines = stderr.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const wrong = lines.filter((line) =>
    /\berror\b/i.test(line) && !/npm (error|ERR!) (code |A complete log)/.test(line)
  );
  return wrong[0] ?? lines.at(-1) ?? "it says nothing";
}

async function fetched(
  { asked, program }: { readonly asked: string; readonly program: string },
  { command: [tool = "", ...args], open }: {
    readonly command: readonly string[];
    readonly open: (
      bytes: Uint8Array,
    ) => Promise<Uint8Array | undefined> | Uint8Array | undefined;
  },
): Promise<Answer> {
  const dir = await Deno.makeTempDir({ prefix: "krustlet-runtime-" });
  try {
    const { success, stderr } = await new Deno.Command(tool, {
      args,
      cwd: dir,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
      signal: AbortSignal.timeout(FETCH_MS_MAX),
    }).output();
    const [file] = await Array.fromAsync(Deno.readDir(dir));
    if (!success || file === undefined) {
      return { asked, problem: complaintOf(new TextDecoder().decode(stderr)) };
    }
    const found = await open(await Deno.readFile(join(dir, file.name)));
    return found === undefined
      ? { asked, problem: `${file.name} has no ${program}` }
      : { asked, program: found };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { asked, problem: `there is no ${tool}` };
    return { asked, problem: error instanceof Error ? error.message : String(error) };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function fileOfTar(tar: Uint8Array, path: string): Promise<Uint8Array | undefined> {
  const reader = extract();
  reader.end(tar);
  let found: Uint8Array | undefined;
  for await (const entry of reader) {
    if (entry.header.name === path) {
      const parts: Uint8Array[] = [];
      for await (const part of entry) parts.push(part as Uint8Array);
      found = Buffer.concat(parts);
    } else entry.resume();
  }
  return found;
}
