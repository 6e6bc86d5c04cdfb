import assert from "node:assert/strict";
import * as fs from "node:fs";
import { SetTimes } from "./set_times.ts";

const MS_NS = 1_000_000n;

/** A file of a scratch folder, as the system tells of it. */
async function withFile(use: (look: () => fs.BigIntStats, path: string) => void): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    use(() => fs.lstatSync(path, { bigint: true }), path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("SetTimes.exact() tells what was set, until somebody else sets or writes", () =>
  withFile((look, path) => {
    const times = new SetTimes();
    const before = look();
    const system = { atimNs: before.atimeNs, mtimNs: before.mtimeNs };
    assert.deepEqual(times.exact(before), system);
    const wanted = times.wanted({ atim: "keep", mtim: before.mtimeNs - 123n }, before);
    assert.deepEqual(wanted, { atimNs: before.atimeNs, mtimNs: before.mtimeNs - 123n });
    times.remember(wanted, before);
    assert.deepEqual(times.exact(look()), wanted);
    assert.deepEqual(times.wanted({ atim: "keep", mtim: "keep" }, look()), wanted);
    fs.utimesSync(path, 1, 2);
    assert.deepEqual(times.exact(look()), { atimNs: 1_000n * MS_NS, mtimNs: 2_000n * MS_NS });
  }));

Deno.test("SetTimes.remember() believes a file system that cannot hold a time", () =>
  withFile((look) => {
    const times = new SetTimes();
    const { atimeNs, mtimeNs } = look();
    const [nearNs, farNs] = [MS_NS - 1n, MS_NS];
    times.remember({ atimNs: atimeNs + nearNs, mtimNs: mtimeNs - farNs }, look());
    assert.deepEqual(times.exact(look()), { atimNs: atimeNs + nearNs, mtimNs: mtimeNs });
  }));

Deno.test("SetTimes.remember() keeps the newest of too many", () =>
  withFile((look) => {
    const times = new SetTimes();
    const { atimeNs, mtimeNs } = look();
    const remember = (ino: bigint): fs.BigIntStats => {
      const stats = Object.assign(look(), { ino });
      times.remember({ atimNs: atimeNs + 1n, mtimNs: mtimeNs + 1n }, stats);
      return stats;
    };
    const [first, second] = [remember(1n), remember(2n)];
    remember(1n);
    for (let ino = 3n; ino <= 4_097n; ino++) remember(ino);
    assert.equal(times.exact(first).mtimNs, mtimeNs + 1n);
    assert.equal(times.exact(second).mtimNs, mtimeNs);
  }));
