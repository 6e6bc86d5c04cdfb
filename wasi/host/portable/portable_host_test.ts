import assert from "node:assert/strict";
import { FDFLAG, OFLAG, RIGHT } from "../../abi.ts";
import { Probe, Scratch } from "../../testing/probe.ts";
import { canReachByDescriptor } from "./descriptor_ground.ts";
import { PortableHost } from "./portable_host.ts";

const linux = Deno.build.os === "linux";
const byPath = new PortableHost({ byDescriptor: false });
const byDescriptor = new PortableHost();

/** What of a folder this process has open; other tests may run beside this one. */
function openedBelow(folder: string): string[] {
  return [...Deno.readDirSync("/proc/self/fd")].flatMap(({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/self/fd/${name}`);
    } catch {
      return []; // somebody else's, and closed by now
    }
  }).filter((path) => path.startsWith(folder)).sort();
}

function probeOf(host: PortableHost, box: string): Probe {
  return new Probe(host, { preopens: [{ hostPath: box, guestPath: "/" }] });
}

Deno.test({
  name: "a directory that is reached by descriptor stays itself under another name",
  ignore: !linux,
  fn(): void {
    assert.ok(canReachByDescriptor());
    using scratch = new Scratch();
    for (const [host, answer] of [[byDescriptor, "number"], [byPath, "string"]] as const) {
      using probe = probeOf(host, scratch.box);
      probe.mkdir(3, "old");
      const fd = probe.mustOpen(3, "old", { rights: RIGHT.fdRead });
      probe.call("fd_close", probe.mustOpen(fd, "file", { oflags: OFLAG.creat }));
      assert.equal(probe.move("rename", [3, "old"], [3, "new"]), "success");
      assert.equal(typeof probe.open(fd, "file"), answer);
      assert.equal(probe.unlink(3, "new/file"), "success");
      assert.equal(probe.rmdir(3, "new"), "success");
    }
  },
});

Deno.test({
  name: "no descriptor stays open behind the calls, refused or not",
  ignore: !linux,
  fn(): void {
    using scratch = new Scratch();
    const open = (): string[] => openedBelow(scratch.outer);
    {
      using probe = probeOf(byDescriptor, scratch.box);
      const before = open();
      probe.mkdir(3, "a");
      probe.mkdir(3, "a/b");
      for (const path of ["a/b/c", "a/b/../../x", "a/no/c", "../x", "a/b/c/d", "a/b/../../.."]) {
        const fd = probe.open(3, path, { oflags: OFLAG.creat });
        if (typeof fd === "number") probe.call("fd_close", fd);
        probe.stat(3, path);
        probe.unlink(3, path);
        probe.move("rename", [3, path], [3, "a/b/y"]);
        probe.symlink("x", 3, path);
      }
      assert.deepEqual(before, [scratch.box]);
      assert.deepEqual(open(), before);
      const appending = probe.mustOpen(3, "log", {
        oflags: OFLAG.creat,
        flags: FDFLAG.append,
      });
      probe.call("fd_close", appending);
      probe.open(3, "a/b", { rights: RIGHT.fdRead });
      assert.deepEqual(open(), [scratch.box, `${scratch.box}/a/b`]);
    }
    assert.deepEqual(open(), []);
    using second = probeOf(byDescriptor, scratch.box);
    assert.equal(second.rmdir(3, "gone"), "noent");
  },
});

Deno.test("two that append at the same time lose nothing", async () => {
  using scratch = new Scratch();
  using probe = probeOf(byPath, scratch.box);
  const fd = probe.mustOpen(3, "log", { oflags: OFLAG.creat, flags: FDFLAG.append });
  const lines = 2_000;
  const script = `const log = Deno.openSync(${
    JSON.stringify(`${scratch.box}/log`)
  }, {append: true});
    console.log("ready");
    for (let i = 0; i < ${lines}; i++) log.writeSync(new TextEncoder().encode("theirs\\n"));`;
  const other = new Deno.Command(Deno.execPath(), {
    args: ["eval", script],
    stdout: "piped",
  }).spawn();
  const reader = other.stdout.getReader();
  await reader.read();
  for (let line = 0; line < lines; line++) assert.equal(probe.write(fd, "ours\n"), 5);
  await reader.cancel();
  await other.status;
  const text = await Deno.readTextFile(`${scratch.box}/log`);
  for (const word of ["ours", "theirs"]) {
    assert.equal(text.split("\n").filter((line) => line === word).length, lines);
  }
});

Deno.test("a pipe without nonblock is opened at once, and read when there is something", async () => {
  if (Deno.build.os === "windows") return;
  using scratch = new Scratch();
  using probe = probeOf(byPath, scratch.box);
  new Deno.Command("mkfifo", { args: [`${scratch.box}/pipe`] }).outputSync();
  const fd = probe.mustOpen(3, "pipe", { rights: RIGHT.fdRead });
  const keeper = probe.mustOpen(3, "pipe", { rights: RIGHT.fdWrite });
  const pipe = JSON.stringify(`${scratch.box}/pipe`);
  const writer = new Deno.Command(Deno.execPath(), {
    args: ["eval", `Deno.writeTextFileSync(${pipe}, "late")`],
  }).spawn();
  assert.equal(probe.read(fd, 9), '"late"'); // blocks this thread until then
  assert.ok((await writer.status).success);
  probe.call("fd_close", keeper);
});
