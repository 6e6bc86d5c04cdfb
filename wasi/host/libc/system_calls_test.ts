import assert from "node:assert/strict";
import * as linux from "./constants.ts";
import { Library } from "./library.ts";
import { cString } from "./resolver.ts";

const { O_DIRECTORY } = linux.MACHINES[Deno.build.arch];
/** Opened before any test, because a library stays open for good and would look like a leak. */
const library = Deno.build.os === "linux" ? Library.open() : undefined;

/** A folder of its own, open, with everything that a call needs. */
async function inFolder(
  test: (at: { library: Library; folder: string; fd: number }) => void,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const { functions, calls } = library!;
  const fd = calls.openat(linux.AT_FDCWD, cString(folder), { flags: O_DIRECTORY, mode: 0 });
  assert.ok(fd > 2);
  try {
    test({ library: library!, folder, fd });
  } finally {
    functions.close(fd);
    await Deno.remove(folder, { recursive: true });
  }
}

function open(fd: number, name: string): number {
  const flags = linux.O_CREAT | linux.O_RDWR;
  const file = library!.calls.openat(fd, cString(name), { flags, mode: 0o640 });
  assert.ok(file >= 0 && file !== fd);
  return file;
}

Deno.test({
  name: "SystemCalls change a file that is open",
  ignore: library === undefined,
  fn: () =>
    inFolder(({ library: { calls, functions }, folder, fd }) => {
      const file = open(fd, "file");
      Deno.writeTextFileSync(`${folder}/file`, "abcdef");
      assert.equal(calls.ftruncate(file, 3), 0);
      assert.equal(Deno.readTextFileSync(`${folder}/file`), "abc");
      assert.equal(calls.fsync(file), 0);
      assert.equal(calls.fdatasync(file), 0);
      assert.equal(calls.fadvise(file, { offset: 0, length: 3 }, 0), 0);
      assert.equal(calls.fadvise(file, { offset: 0, length: 3 }, 99), -1);
      assert.equal(library!.linuxErrno(), 22); // EINVAL
      assert.equal(calls.setFlags(file, linux.O_APPEND), 0);
      functions.close(file);
    }),
});

Deno.test({
  name: "SystemCalls make, name and remove what is in a folder",
  ignore: library === undefined,
  fn: () =>
    inFolder(({ library: { calls, functions }, folder, fd }) => {
      const name = (text: string): { fd: number; name: Uint8Array<ArrayBuffer> } => {
        return { fd, name: cString(text) };
      };
      assert.equal(calls.mkdirat(fd, cString("made"), 0o700), 0);
      assert.equal((Deno.statSync(`${folder}/made`).mode ?? 0) & 0o777, 0o700);
      functions.close(open(fd, "file"));
      assert.equal(calls.linkat(name("file"), name("made/other")), 0);
      assert.equal(calls.renameat(name("file"), name("made/moved")), 0);
      functions.symlinkat(cString("moved"), fd, cString("made/link"));
      const target = new Uint8Array(16);
      assert.equal(calls.readlinkat(fd, cString("made/link"), target), 5);
      const names = [...Deno.readDirSync(`${folder}/made`)].map((entry) => entry.name).sort();
      assert.deepEqual(names, ["link", "moved", "other"]);

      const times = new BigInt64Array([1n, 0n, 2n, 500_000_000n]);
      assert.equal(calls.utimensat(name("made/moved"), times, 0), 0);
      assert.equal(Deno.statSync(`${folder}/made/moved`).mtime?.getTime(), 2_500);
      assert.equal(calls.utimensat({ fd, name: null }, times, 0), 0);
      assert.equal(Deno.statSync(folder).mtime?.getTime(), 2_500);

      const stat = new Uint8Array(256);
      assert.equal(calls.statx(name("made/moved"), 0, stat), 0);
      assert.equal(new DataView(stat.buffer).getUint32(16, true), 2); // links
      assert.ok(calls.getdents64(fd, new Uint8Array(1_024)) > 0);
      for (const entry of names) assert.equal(calls.unlinkat(fd, cString(`made/${entry}`), 0), 0);
      assert.equal(calls.unlinkat(fd, cString("made"), linux.AT_REMOVEDIR), 0);
      assert.deepEqual([...Deno.readDirSync(folder)], []);
    }),
});

Deno.test({
  name: "SystemCalls ask for time and give way",
  ignore: library === undefined,
  fn(): void {
    const resolution = new BigInt64Array(2);
    assert.equal(library!.calls.clock_getres(1, resolution), 0);
    assert.ok(resolution[0] === 0n && resolution[1]! > 0n);
    assert.equal(library!.calls.clock_getres(99, resolution), -1);
    assert.equal(library!.calls.sched_yield(), 0);
  },
});
