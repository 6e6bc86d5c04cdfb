import { runTool, toolWorks } from "../../../tests/parts/run.ts";

/** A way to run programs of another kind of machine on this one. */
export interface Elsewhere {
  /** The archive that it runs. */
  readonly target: string;
  /** Makes what it needs, once, and answers its folder. */
  setUp(): Promise<string>;
  /** A shell script that runs the unpacked archive in `home` with what it is given. */
  launcher(place: Place): string;
}

/** Where things are, as absolute paths of this machine. */
export interface Place {
  /** What {@linkcode Elsewhere.setUp} answered. */
  readonly root: string;
  /** The unpacked archive. */
  readonly home: string;
  /** A folder that the program sees under the same path: `home` and the tests' files are in it. */
  readonly shared: string;
}

/** Throws for a machine that cannot set up another, with what to do. */
export async function demandTools(tools: readonly string[]): Promise<void> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) {
    throw new Error("Cannot set up another system: that takes Linux and root");
  }
  for (const tool of tools) {
    if (await toolWorks([tool, "--version"])) continue;
    throw new Error(`Cannot set up another system: there is no "${tool}"; install it`);
  }
}

/** Puts a small Debian 13 into the folder, from wherever `debootstrap` is set up to fetch. */
export async function debian(folder: string): Promise<void> {
  await runTool(["debootstrap", "--variant=minbase", "trixie", folder]);
}

/** A word of a shell script, whatever is in it. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
