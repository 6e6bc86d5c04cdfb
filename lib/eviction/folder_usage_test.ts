import assert from "node:assert/strict";
import { sleep } from "../time.ts";
import { folderUsage } from "./folder_usage.ts";

const signal = AbortSignal.timeout(30_000);

Deno.test("folderUsage() counts files once, follows no link, and misses what is not there", async () => {
  const dir = await Deno.makeTempDir({ prefix: "krustlet-usage-" });
  try {
    await Deno.mkdir(`${dir}/in/deep`, { recursive: true });
    await Deno.mkdir(`${dir}/out`);
    await Deno.writeFile(`${dir}/in/deep/file`, new Uint8Array(1 << 20).fill(7));
    await Deno.writeFile(`${dir}/out/big`, new Uint8Array(8 << 20).fill(7));
    const { bytes } = await folderUsage(`${dir}/in`, { signal });
    assert.ok(bytes >= 1 << 20 && bytes < (1 << 20) + 65536, `${bytes}`);
    await Deno.link(`${dir}/in/deep/file`, `${dir}/in/again`);
    await Deno.symlink(`${dir}/out`, `${dir}/in/way-out`);
    await Deno.symlink("..", `${dir}/in/deep/circle`);
    const linked = await folderUsage(`${dir}/in`, { signal });
    assert.ok(linked.bytes < bytes + 65536, `${linked.bytes}`);
    assert.equal(linked.inodes, 4, "deep, file, way-out, circle");
    assert.deepEqual(await folderUsage(`${dir}/nowhere`, { signal }), { bytes: 0, inodes: 0 });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("folderUsage() leaves out what was there before, unless it has changed since", async () => {
  const dir = await Deno.makeTempDir({ prefix: "krustlet-usage-" });
  try {
    await Deno.writeTextFile(`${dir}/old`, "x");
    await Deno.writeTextFile(`${dir}/changed`, "x");
    const afterMs = (await Deno.stat(`${dir}/changed`)).mtime!.getTime();
    const nextSecondMs = Math.ceil((afterMs + 1) / 1000) * 1000;
    while (Date.now() <= nextSecondMs) await sleep(nextSecondMs + 5 - Date.now());
    await Deno.writeTextFile(`${dir}/changed`, "y");
    await Deno.utime(`${dir}/changed`, 0, 0); // which a guest can do as well
    assert.equal((await folderUsage(dir, { afterMs, signal })).inodes, 1);
    assert.equal((await folderUsage(dir, { signal })).inodes, 2);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
