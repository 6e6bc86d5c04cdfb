/**
 * A disk of a few MiB that can be filled up: a file system in memory, in a name space of its own.
 *
 * @module
 */
import { statfs } from "node:fs/promises";
import { join } from "node:path";
import { eventually } from "./eventually.ts";
import { type Process, startProcess } from "./processes.ts";
import { tempFolder } from "./temp_folder.ts";

/** As often a disk must be full before it stays so… */
const QUIET_LOOKS = 5;
/** …and so long apart. */
const LOOK_MS = 50;

/** Ways to a name space in which one may mount: as anybody, and as root where that is forbidden. */
const WAYS = [
  { unshare: ["-Urm"], enter: ["-U", "-m", "--preserve-credentials"] },
  { unshare: ["-m"], enter: ["-m"] },
] as const;

/** A mounted disk. Who is started by {@linkcode SmallDisk.within} sees it under {@linkcode SmallDisk.dir}. */
export class SmallDisk implements AsyncDisposable {
  /** Where it is mounted. Elsewhere this folder is empty. */
  readonly dir: string;
  readonly #holder: Process;
  readonly #enter: readonly string[];
  readonly #folder: AsyncDisposable;

  /** Undefined, with a word on stderr, where this user may not mount anything. */
  static async open(bytes: number): Promise<SmallDisk | undefined> {
    const folder = await tempFolder();
    const dir = join(folder.path, "disk");
    await Deno.mkdir(dir);
    const script = 'mount -t tmpfs -o size="$1",mode=700 none "$2" && echo mounted && ' +
      "while :; do sleep 60; done";
    for (const { unshare, enter } of Deno.build.os === "linux" ? WAYS : []) {
      const holder = await startProcess(
        ["unshare", ...unshare, "sh", "-c", script, "sh", String(bytes), dir],
        { name: "small disk", logPath: join(folder.path, `disk${unshare[0]}.log`) },
      );
      const mounted = await eventually("a small disk", async () => {
        if ((await holder.log()).includes("mounted")) return "mounted";
        return holder.ending && "refused";
      });
      if (mounted === "mounted") return new SmallDisk(dir, holder, { enter, folder });
      await holder.stop();
    }
    console.error("LEFT OUT: tests on a full disk, as this user may not mount one here");
    await folder[Symbol.asyncDispose]();
    return undefined;
  }

  private constructor(
    dir: string,
    holder: Process,
    { enter, folder }: { readonly enter: readonly string[]; readonly folder: AsyncDisposable },
  ) {
    this.dir = dir;
    this.#holder = holder;
    this.#enter = enter;
    this.#folder = folder;
  }

  /** In front of a command that is to see the disk. */
  get within(): readonly [string, ...string[]] {
    return ["nsenter", "-t", String(this.#holder.pid), ...this.#enter, "--"];
  }

  /** Where this process finds what lies on the disk. */
  path(...names: readonly string[]): string {
    return join(`/proc/${this.#holder.pid}/root`, this.dir, ...names);
  }

  /** Bytes that are free. */
  async free(): Promise<number> {
    const { bavail, bsize } = await statfs(this.path());
    return bavail * bsize;
  }

  /** Changes an option of the mount, as `size=1048576` or `nr_inodes=20`. */
  async remount(option: string): Promise<void> {
    const [program, ...args] = this.within;
    const { success, stderr } = await new Deno.Command(program, {
      args: [...args, "mount", "-o", `remount,${option}`, this.dir],
    }).output();
    if (!success) throw new Error(`Cannot remount: ${new TextDecoder().decode(stderr)}`);
  }

  /**
   * Leaves so many bytes free, by a file `ballast` that takes the rest; also what others give back for a moment
   * longer, as a file that takes another's place does with that one's.
   */
  async fillUpTo(freeBytes: number): Promise<void> {
    using ballast = await Deno.open(this.path("ballast"), { write: true, create: true });
    for (let quiet = 0; quiet < QUIET_LOOKS; quiet++) {
      const rest = await this.free() - freeBytes;
      if (rest > 0) {
        await writeAll(ballast, rest);
        quiet = 0;
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#holder.stop();
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** Writes so many bytes; fewer, if somebody else was faster to take the room. */
async function writeAll(file: Deno.FsFile, length: number): Promise<void> {
  try {
    for (let left = length; left > 0;) left -= await file.write(new Uint8Array(left));
  } catch (error) {
    if (!(error instanceof Error && /No space left/.test(error.message))) throw error;
  }
}
