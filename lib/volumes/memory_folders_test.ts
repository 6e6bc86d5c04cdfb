import assert from "node:assert/strict";
import { statfs } from "node:fs/promises";
import { join } from "node:path";
import { podWith } from "./fake_objects.ts";
import { inRoom, look, names } from "./fake_room.ts";
import { MemoryFolders, removeMemoryFolders } from "./memory_folders.ts";

const TMPFS = 0x01021994;
const ignore = Deno.build.os !== "linux";

Deno.test({
  name: "PodVolumes.mountAll() puts an emptyDir of medium Memory into memory, and removes it",
  ignore,
  fn: () =>
    inRoom(async ({ volumes, signal }) => {
      const pod = podWith([{ name: "fast", emptyDir: { medium: "Memory" } }, {
        name: "disk",
        emptyDir: {},
      }]);
      const mounted = await volumes.mountAll(pod, signal);
      const fast = mounted.get("fast")!.hostPath;
      assert.equal((await statfs(fast)).type, TMPFS);
      assert.equal((await Deno.stat(fast)).mode! & 0o777, 0o777);
      for (const above of [join(fast, ".."), join(fast, "../..")]) {
        assert.equal((await Deno.stat(above)).mode! & 0o777, 0o700);
      }
      await Deno.writeTextFile(join(fast, "f"), "kept");
      assert.equal((await volumes.mountAll(pod, signal)).get("fast")?.hostPath, fast);
      assert.deepEqual(look(fast), { f: "kept" });
      const folder = volumes.memoryFolder("7a1e-22");
      assert.deepEqual(look(folder!), { "fast/f": "kept" }, "which evictions measure");
      assert.equal(volumes.memoryFolder("../7a1e-22"), undefined);
      await volumes.unmountAll("7a1e-22");
      await assert.rejects(Deno.stat(join(fast, "../..")), Deno.errors.NotFound);
    }),
});

Deno.test({
  name: "MemoryFolders.make() takes no folder that others can enter, and none that is a link",
  ignore,
  async fn(): Promise<void> {
    const base = await Deno.makeTempDir({ dir: "/dev/shm" });
    try {
      const folders = new MemoryFolders("/pods", base);
      const made = await folders.make("uid", "v");
      assert.ok(made);
      const own = join(made, "../..");
      await Deno.chmod(own, 0o755);
      assert.equal(await folders.make("uid", "v"), undefined);
      await Deno.remove(own, { recursive: true });
      await Deno.mkdir(join(base, "trap"), { mode: 0o700 });
      await Deno.symlink(join(base, "trap"), own);
      assert.equal(await folders.make("uid", "v"), undefined);
      assert.deepEqual(names(join(base, "trap")), []);
    } finally {
      await Deno.remove(base, { recursive: true });
    }
  },
});

Deno.test("MemoryFolders.make() gives nothing where the place is not in memory", async () => {
  for (const base of ["/nowhere", "/proc"]) {
    assert.equal(await new MemoryFolders("/pods", base).make("uid", "v"), undefined, base);
  }
});

Deno.test(
  "MemoryFolders.remove() leaves other pods and other agents alone",
  { ignore },
  async () => {
    const base = await Deno.makeTempDir({ dir: "/dev/shm" });
    try {
      const [one, two] = [new MemoryFolders("/one", base), new MemoryFolders("/two", base)];
      const kept = [await one.make("b", "v"), await two.make("a", "v")];
      await one.make("a", "v");
      await one.remove("a");
      for (const path of kept) assert.ok((await Deno.stat(path!)).isDirectory);
      await one.remove("b");
      await two.remove("a");
      assert.deepEqual(names(base), []);
    } finally {
      await Deno.remove(base, { recursive: true });
    }
  },
);

Deno.test("removeMemoryFolders() removes all of one agent at once", { ignore }, async () => {
  const base = await Deno.makeTempDir({ dir: "/dev/shm" });
  try {
    const [one, two] = [new MemoryFolders("/one", base), new MemoryFolders("/two", base)];
    for (const uid of ["a", "b"]) {
      await Deno.writeTextFile(join((await one.make(uid, "v"))!, "f"), "in memory");
    }
    const kept = await two.make("a", "v");
    removeMemoryFolders("/one", base);
    assert.deepEqual(names(base), [(kept ?? "").split("/").at(-3)]);
    removeMemoryFolders("/one", base);
  } finally {
    await Deno.remove(base, { recursive: true });
  }
});
