import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { Race } from "../fuzz/race.ts";
import { Scratch } from "../testing/probe.ts";
import { AT_FDCWD, O_CLOEXEC, O_PATH } from "../host/libc/constants.ts";
import { ELOOP, openExactFolder } from "./exact_folder.ts";
import { CALL, Kernel } from "./kernel.ts";

/** How long each way opens a folder that is swapped for a link. */
const RACE_SECONDS = 1;
/** How long a way that follows links may take to be led out once. */
const CARELESS_SECONDS_MAX = 60;
const ENOENT = 2;
const EINVAL = 22;
const WAYS = ["openat2", "walking", undefined] as const;

const ignore = Deno.build.os !== "linux";
// Opened before any test: a library stays open for good and would look like a leak.
const kernel = ignore ? undefined : Kernel.open();

/** Follows links: what the tests must notice. */
function openCarelessly(path: string): number {
  assert.ok(kernel!.writeText(path));
  return kernel!.call(CALL.openat, AT_FDCWD, kernel!.scratchAddress, O_PATH | O_CLOEXEC, 0);
}

/** Where the open folder lies, which is closed then. */
function placeOf(fd: number): string {
  const place = Deno.readLinkSync(`/proc/self/fd/${fd}`);
  kernel!.call(CALL.close, fd);
  return place;
}

for (const by of WAYS) {
  Deno.test({
    name: `openExactFolder() opens folders and follows no link (${by ?? "as it can be had"})`,
    ignore,
    fn(): void {
      using scratch = new Scratch();
      const box = Deno.realPathSync(scratch.box);
      Deno.mkdirSync(`${box}/real/deep`, { recursive: true });
      symlinkSync("real", `${box}/link`);
      const open = (path: string): number => openExactFolder(kernel!, path, by);
      assert.equal(placeOf(open(`${box}/real/deep`)), `${box}/real/deep`);
      assert.equal(placeOf(open(`${box}//real/./deep/..//`)), `${box}/real`);
      assert.equal(placeOf(open("/")), "/");
      for (const path of ["link", "link/deep", "link/", "real/../link"]) {
        assert.equal(open(`${box}/${path}`), -ELOOP, path);
      }
      assert.equal(open(`${box}/none`), -ENOENT);
      assert.equal(open("tmp"), -EINVAL);
      assert.ok(open(`/${"long/".repeat(3_000)}`) < 0);
    },
  });
}

/** Opens a folder that is swapped for a link, and counts where it was. */
async function race(
  open: (path: string) => number,
  { seconds, untilOut = false }: { readonly seconds: number; readonly untilOut?: boolean },
): Promise<{ inside: number; refused: number; outside: number }> {
  await using ground = new Race();
  await ground.begin();
  const box = await Deno.realPath(ground.box);
  const outside = await Deno.realPath(ground.outside);
  const counts = { inside: 0, refused: 0, outside: 0 };
  for (const end = performance.now() + seconds * 1_000; performance.now() < end;) {
    const fd = open(`${box}/way`);
    if (fd < 0) counts.refused++;
    else counts[placeOf(fd) === outside ? "outside" : "inside"]++;
    if (untilOut && counts.outside > 0) break;
  }
  return counts;
}

for (const by of WAYS.slice(0, 2)) {
  Deno.test({
    name: `openExactFolder() is not led out in ${RACE_SECONDS} s (${by})`,
    ignore,
    async fn(): Promise<void> {
      const counts = await race((path) => openExactFolder(kernel!, path, by), {
        seconds: RACE_SECONDS,
      });
      assert.equal(counts.outside, 0);
      assert.ok(counts.inside > 10 && counts.refused > 10, JSON.stringify(counts));
    },
  });
}

Deno.test({
  name: "who follows links is led out, and that is noticed",
  ignore,
  async fn(): Promise<void> {
    const { outside } = await race(openCarelessly, {
      seconds: CARELESS_SECONDS_MAX,
      untilOut: true,
    });
    assert.ok(outside > 0);
  },
});
