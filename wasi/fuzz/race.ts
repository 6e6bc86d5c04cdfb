/**
 * A guest that uses paths while another process swaps what they lead through. For tests only.
 *
 * @module
 */
import { isDeepStrictEqual } from "node:util";
import { OFLAG, RIGHT } from "../abi.ts";
import type { System } from "../host/host.ts";
import { Probe, Scratch } from "../testing/probe.ts";

/** A box with a way that is swapped, and what lies where the link leads. */
export class Race implements AsyncDisposable {
  readonly scratch = new Scratch();
  readonly box = this.scratch.box;
  readonly outside = `${this.scratch.outer}/outside`;
  #swapper: Deno.ChildProcess | undefined;

  constructor() {
    for (const [folder, text] of [[`${this.box}/way`, "inside"], [this.outside, "secret"]]) {
      Deno.mkdirSync(`${folder}/folder`, { recursive: true });
      for (const name of ["file", "victim"]) Deno.writeTextFileSync(`${folder}/${name}`, text!);
    }
    Deno.symlinkSync("../outside", `${this.box}/link`);
  }

  /** Begins to swap; resolves when it has begun. */
  async begin(): Promise<void> {
    this.#swapper = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "-A", new URL("swapper.ts", import.meta.url).pathname, this.box],
      stdout: "piped",
    }).spawn();
    const reader = this.#swapper.stdout.getReader();
    await reader.read();
    await reader.cancel();
  }

  /** What has changed where nobody was to come. */
  get damage(): string[] {
    const names = [...Deno.readDirSync(this.outside)].map(({ name }) => name)
      .filter((name) => name !== "taken").sort();
    const times = Deno.statSync(`${this.outside}/file`).mtime?.getTime();
    const text = Deno.readTextFileSync(`${this.outside}/file`);
    return [...names, ...(times === 1 ? ["touched"] : []), text];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#swapper?.kill("SIGKILL");
    await this.#swapper?.status;
    this.scratch[Symbol.dispose]();
  }
}

/** {@linkcode Run.damage} when there is none. */
export const UNTOUCHED = ["file", "folder", "victim", "secret"];

/** Everything that a path can be used for, once; how many calls got through, and to the secret. */
function goOnce(probe: Probe): { through: number; escapes: number } {
  let [through, escapes] = [0, 0];
  for (const path of ["way/file", "way/../way/file", "way/folder/../file"]) {
    const fd = probe.open(3, path, { rights: RIGHT.fdRead });
    if (typeof fd === "string") continue;
    through++;
    if (probe.read(fd, 20) !== '"inside"') escapes++;
    probe.call("fd_close", fd);
  }
  const made = probe.open(3, "way/made", { oflags: OFLAG.creat });
  if (typeof made === "number") probe.call("fd_close", made);
  const cut = probe.open(3, "way/victim", { oflags: OFLAG.trunc });
  if (typeof cut === "number") probe.call("fd_close", cut);
  const answers = [
    probe.unlink(3, "way/made"),
    probe.mkdir(3, "way/new"),
    probe.rmdir(3, "way/new"),
    probe.symlink("file", 3, "way/symlink"),
    probe.unlink(3, "way/symlink"),
    probe.move("link", [3, "way/file"], [3, "way/second"]),
    probe.unlink(3, "way/second"),
    probe.move("rename", [3, "way/victim"], [3, "way/moved"]),
    probe.move("rename", [3, "way/moved"], [3, "way/victim"]),
    probe.path("path_filestat_set_times", "way/file", {
      before: [3, 1],
      after: [1_000_000n, 1_000_000n, 5],
    }),
  ];
  const stat = probe.stat(3, "way/file");
  const folder = probe.open(3, "way", { rights: RIGHT.fdRead, oflags: OFLAG.directory });
  if (typeof folder === "number") {
    const fd = probe.open(folder, "file", { rights: RIGHT.fdRead });
    if (typeof fd === "number" && probe.read(fd, 20) !== '"inside"') escapes++;
    if (typeof fd === "number") probe.call("fd_close", fd);
    probe.call("fd_close", folder);
  }
  if (typeof stat !== "string") through++;
  return { through: through + answers.filter((answer) => answer === "success").length, escapes };
}

/** What came of a race. */
export interface Run {
  /** Calls that did their work. */
  readonly through: number;
  /** How often something outside was read. */
  readonly escapes: number;
  /** What lies outside afterwards; {@linkcode UNTOUCHED} if it was left alone. */
  readonly damage: readonly string[];
}

/** Uses paths for so long, or until it was led out, to read and to write. */
export async function race(
  host: System,
  { seconds, untilOut = false }: { seconds: number; untilOut?: boolean },
): Promise<Run> {
  await using ground = new Race();
  using probe = new Probe(host, { preopens: [{ hostPath: ground.box, guestPath: "/" }] });
  await ground.begin();
  let [through, escapes] = [0, 0];
  for (const end = performance.now() + seconds * 1_000; performance.now() < end;) {
    const once = goOnce(probe);
    through += once.through;
    escapes += once.escapes;
    if (untilOut && escapes > 0 && !isDeepStrictEqual(ground.damage, UNTOUCHED)) break;
  }
  return { through, escapes, damage: ground.damage };
}
