/** A preopen that must be exact is opened through no link, also when one is put there at that moment. */
import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { relative } from "node:path";
import { RIGHT } from "../abi.ts";
import { Race } from "../fuzz/race.ts";
import type { System } from "../host/host.ts";
import { OptionsError } from "../options.ts";
import { HOSTS, Probe, Scratch } from "../testing/probe.ts";

const linux = Deno.build.os === "linux";
/** How long each host opens a folder that is swapped for a link. */
const RACE_SECONDS = 1;
/** How long a host that follows links may take to be led out once. */
const CARELESS_SECONDS_MAX = 60;

function open(host: System, hostPath: string, exact: boolean): Probe {
  return new Probe(host, { preopens: [{ hostPath, guestPath: "/data", exact }] });
}

for (const [name, host] of HOSTS) {
  Deno.test(`an exact preopen is opened by its real path alone (${name})`, () => {
    using scratch = new Scratch();
    const box = Deno.realPathSync(scratch.box);
    Deno.mkdirSync(`${box}/real/deep`, { recursive: true });
    Deno.writeTextFileSync(`${box}/file`, "");
    symlinkSync("real", `${box}/link`);
    symlinkSync("deep", `${box}/real/up`);
    for (const path of ["/real", "/real/deep", "/real/", "//real/./deep", "/real/deep/../deep"]) {
      using probe = open(host, box + path, true);
      assert.equal(probe.mkdir(3, "made"), "success", path);
      probe.rmdir(3, "made");
    }
    for (const path of ["/link", "/link/", "/link/deep", "/real/up"]) {
      assert.throws(
        () => open(host, box + path, true),
        new OptionsError(
          `Cannot preopen "${box}${path}" as "/data": a link is in this path, which must have none`,
        ),
        path,
      );
    }
    open(host, `${box}/link/deep`, false)[Symbol.dispose]();
    const others = { "/none": "noent", "/file": "notdir", "/file/x": "notdir" };
    for (const [path, errno] of Object.entries(others)) {
      assert.throws(() => open(host, box + path, true), new RegExp(`: ${errno}$`), path);
    }
    assert.throws(() => open(host, relative(Deno.cwd(), `${box}/real`), true), /: inval$/);
  });
}

/** Opens a folder that is swapped for a link, and counts what was read in it. */
async function race(
  host: System,
  { seconds, exact }: { readonly seconds: number; readonly exact: boolean },
): Promise<{ inside: number; refused: number; outside: number }> {
  await using ground = new Race();
  await ground.begin();
  const way = `${await Deno.realPath(ground.box)}/way`;
  const counts = { inside: 0, refused: 0, outside: 0 };
  for (const end = performance.now() + seconds * 1_000; performance.now() < end;) {
    try {
      using probe = open(host, way, exact);
      const fd = probe.open(3, "file", { rights: RIGHT.fdRead });
      if (typeof fd === "string") continue;
      counts[probe.read(fd, 20) === '"inside"' ? "inside" : "outside"]++;
      probe.call("fd_close", fd);
    } catch (error) {
      if (!(error instanceof OptionsError)) throw error;
      counts.refused++;
    }
    if (!exact && counts.outside > 0) break;
  }
  return counts;
}

for (const [name, host] of HOSTS) {
  if (name === "portable by paths") continue; // it says of itself that this can happen
  Deno.test({
    name: `an exact preopen is not swapped for a link in ${RACE_SECONDS} s (${name})`,
    ignore: !linux,
    async fn(): Promise<void> {
      const { inside, refused, outside } = await race(host, { seconds: RACE_SECONDS, exact: true });
      assert.equal(outside, 0, `${outside} of ${inside} opened folders were others`);
      assert.ok(inside > 10 && refused > 10, `${inside} opened, ${refused} refused`);
    },
  });

  Deno.test({
    name: `a preopen that need not be exact is swapped, and that is noticed (${name})`,
    ignore: !linux,
    async fn(): Promise<void> {
      const { outside } = await race(host, { seconds: CARELESS_SECONDS_MAX, exact: false });
      assert.ok(outside > 0, "it read nothing outside");
    },
  });
}
