/**
 * Another container of the pod swaps a folder of the volume for a link that leads out, without pause,
 * while the agent looks for a `subPath`, makes folders in it and copies a file out of it.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { KubeletError } from "../errors.ts";
import { type Held, hold } from "../hold.ts";
import type { ContainerMount } from "../provider.ts";
import { resolveSubPath } from "../volumes/sub_path.ts";
import { placeFile } from "./place_file.ts";

/** How long the agent's way is tried. */
const RACE_SECONDS = 3;
/** How long a careless way may take to be led out once. */
const CARELESS_SECONDS_MAX = 120;

const SWAPPER = `
import { renameSync, rmSync } from "node:fs";
function move(from, to) {
  for (;;) {
    try {
      return renameSync(from, to);
    } catch {
      // The agent has made it, for it was missing, and may make folders in it now.
      try { rmSync(to, { recursive: true, force: true }); } catch {}
    }
  }
}
process.chdir(process.argv[2]);
console.log("swapping");
for (;;) {
  move("way", "inside");
  move("link", "way");
  move("way", "link");
  move("inside", "way");
}`;

/** A volume with the folder `way`, a folder outside with a secret, and who swaps the two. */
class Race implements AsyncDisposable {
  readonly #folder: string;
  readonly #swapper: Deno.ChildProcess;
  #round = 0;

  private constructor(folder: string, swapper: Deno.ChildProcess) {
    this.#folder = folder;
    this.#swapper = swapper;
  }

  static async begin(): Promise<Race> {
    const folder = await Deno.realPath(await Deno.makeTempDir());
    for (const [name, text] of [["volume/way", "inside"], ["outside", "secret"]] as const) {
      await Deno.mkdir(join(folder, name), { recursive: true });
      await Deno.writeTextFile(join(folder, name, "file"), text);
    }
    await Deno.mkdir(join(folder, "root"));
    await Deno.symlink("../outside", join(folder, "volume/link"));
    await Deno.writeTextFile(join(folder, "swapper.mjs"), SWAPPER);
    const swapper = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-config", join(folder, "swapper.mjs"), join(folder, "volume")],
      stdout: "piped",
    }).spawn();
    const reader = swapper.stdout.getReader();
    assert.equal((await reader.read()).done, false);
    await reader.cancel();
    return new Race(folder, swapper);
  }

  /** Mounts a file and a folder below `way`, and tells what came of each. */
  async once({ take, place }: Way): Promise<("inside" | "refused" | "outside")[]> {
    const volume = join(this.#folder, "volume");
    const rootPath = join(this.#folder, "root");
    const copied = attempt(async () => {
      const { hostPath } = await resolveSubPath(volume, "way/file", { create: false, hold: take });
      await place({ hostPath, guestPath: "/file", readOnly: true }, rootPath);
      return await Deno.readTextFile(join(rootPath, "file")) === "inside";
    });
    const made = attempt(async () => {
      const name = `new-${this.#round++}`;
      await resolveSubPath(volume, `way/${name}`, { create: true, hold: take });
      return true;
    });
    const results = [await copied, await made];
    const strays = [...Deno.readDirSync(join(this.#folder, "outside"))].length > 1;
    return strays ? [...results, "outside"] : results;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#swapper.kill("SIGKILL");
    await this.#swapper.status;
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** How paths are held, and files copied. */
interface Way {
  readonly take: (path: string) => Promise<Held>;
  readonly place: (mount: ContainerMount, rootPath: string) => Promise<void>;
}

async function attempt(work: () => Promise<boolean>): Promise<"inside" | "refused" | "outside"> {
  try {
    return await work() ? "inside" : "outside";
  } catch (error) {
    if (error instanceof KubeletError) return "refused";
    throw error;
  }
}

const { signal } = new AbortController();
const agents: Way = {
  take: hold,
  place: (mount, rootPath) => placeFile(mount, { rootPath, signal }),
};

/** Looks at paths, and then uses them: what the tests must notice. */
async function holdNothing(path: string): Promise<Held> {
  const real = await Deno.realPath(path);
  const { isDirectory } = await Deno.stat(real);
  return {
    path: real,
    kind: isDirectory ? "folder" : "file",
    mode: 0o755,
    below: (name) => holdNothing(join(real, name)).catch(() => undefined),
    makeFolder: (name) => Deno.mkdir(join(real, name)).then(() => true, () => false),
    openFile: () => Promise.reject(new Error("not needed")),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

const ignore = Deno.build.os !== "linux";

Deno.test({
  name: `no swapped folder leads the agent out of a volume in ${RACE_SECONDS} s`,
  ignore,
  async fn(): Promise<void> {
    await using race = await Race.begin();
    const counts = { inside: 0, refused: 0, outside: 0 };
    for (const end = performance.now() + RACE_SECONDS * 1_000; performance.now() < end;) {
      for (const result of await race.once(agents)) counts[result]++;
    }
    assert.equal(counts.outside, 0);
    assert.ok(counts.inside > 10 && counts.refused > 10, JSON.stringify(counts));
  },
});

const careless: Readonly<Record<string, Way>> = {
  "copies by a path that was looked at": {
    take: hold,
    place: ({ hostPath }, rootPath) => copyCarelessly(hostPath, join(rootPath, "file")),
  },
  "makes folders by a path that was looked at": { take: holdNothing, place: agents.place },
};

async function copyCarelessly(from: string, to: string): Promise<void> {
  await Deno.copyFile(from, to).catch((error) => {
    throw new KubeletError("container_config", "is gone", { cause: error });
  });
}

for (const [what, way] of Object.entries(careless)) {
  Deno.test({
    name: `an agent that ${what} is led out, and that is noticed`,
    ignore,
    async fn(): Promise<void> {
      await using race = await Race.begin();
      const end = performance.now() + CARELESS_SECONDS_MAX * 1_000;
      while (!(await race.once(way)).includes("outside")) {
        assert.ok(performance.now() < end, "it was never led out");
      }
    },
  });
}
