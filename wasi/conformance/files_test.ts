/** Open files: flags, positions, sizes, times, and the numbers that they go by. */
import assert from "node:assert/strict";
import { FDFLAG, FSTFLAG, OFLAG, RIGHT } from "../abi.ts";
import { DESCRIPTORS_MAX } from "../limits.ts";
import { FREE, type Probe, type ProbedStat, testHosts } from "../testing/probe.ts";

const CREATE = { oflags: OFLAG.creat };
const MAX = (1n << 63n) - 1n;
/** What POSIX puts in a mode for files and folders. */
const [S_IFREG, S_IFDIR] = [0o100_000, 0o40_000];
const SECOND_NS = 1_000_000_000n;

function flagsOf(probe: Probe, fd: number): number {
  assert.equal(probe.call("fd_fdstat_get", fd, FREE), "success");
  return probe.view.getUint16(FREE + 2, true);
}

function statOf(probe: Probe, fd: number): ProbedStat {
  return known(probe.stat(fd));
}

function known(stat: ProbedStat | string): ProbedStat {
  assert.ok(typeof stat !== "string", String(stat));
  return stat;
}

testHosts("fdflags are told as they were given", (probe) => {
  const { append, dsync, nonblock, rsync, sync } = FDFLAG;
  for (const flags of [0, append, dsync, nonblock, rsync, sync, append | nonblock | sync]) {
    const fd = probe.mustOpen(3, "file", { ...CREATE, flags });
    assert.equal(flagsOf(probe, fd), flags);
    assert.equal(probe.write(fd, "text"), 4);
  }
  assert.equal(probe.open(3, "file", { flags: 32 }), "inval");
  assert.equal(flagsOf(probe, 3), 0);
});

testHosts(
  "fd_fdstat_set_flags() changes append and nonblock, and nothing else",
  (probe, { box }) => {
    const fd = probe.mustOpen(3, "file", CREATE);
    probe.write(fd, "123");
    probe.seek(fd, 0n, 0);
    assert.equal(probe.call("fd_fdstat_set_flags", fd, FDFLAG.append), "success");
    assert.equal(flagsOf(probe, fd), FDFLAG.append);
    assert.equal(probe.write(fd, "45"), 2);
    assert.equal(probe.seek(fd, 0n, 1), 5n);
    assert.equal(probe.call("fd_fdstat_set_flags", fd, FDFLAG.nonblock), "success");
    probe.seek(fd, 0n, 0);
    probe.write(fd, "x");
    assert.equal(Deno.readTextFileSync(`${box}/file`), "x2345");
    for (const flag of [FDFLAG.dsync, FDFLAG.rsync, FDFLAG.sync]) {
      assert.equal(probe.call("fd_fdstat_set_flags", fd, flag), "notsup");
    }
  },
);

testHosts("append goes to the end, also of what others wrote, and for pwrite", (probe, { box }) => {
  const one = probe.mustOpen(3, "log", { ...CREATE, flags: FDFLAG.append });
  const two = probe.mustOpen(3, "log", { flags: FDFLAG.append });
  const three = probe.mustOpen(3, "log", { flags: FDFLAG.append });
  for (const [fd, text] of [[one, "a1 "], [two, "b1 "], [one, "a2 "], [two, "b2 "]] as const) {
    assert.equal(probe.write(fd, text), 3);
  }
  assert.equal(probe.seek(one, 0n, 1), 9n);
  assert.equal(probe.pwrite(one, { text: "end", offset: 0n }), 3);
  assert.equal(probe.seek(one, 0n, 1), 9n);
  assert.equal(Deno.readTextFileSync(`${box}/log`), "a1 b1 a2 b2 end");
  assert.equal(probe.write(three, ""), 0);
  assert.equal(probe.seek(three, 0n, 1), 0n, "to write nothing is to go nowhere");
  assert.equal(probe.pread(one, { bytes: 2, offset: 3n }), '"b1"');
});

testHosts("two descriptors of a file have two positions and one content", (probe) => {
  const [one, two] = [probe.mustOpen(3, "file", CREATE), probe.mustOpen(3, "file")];
  probe.write(one, "hello");
  assert.equal(probe.read(two, 3), '"hel"');
  assert.equal(probe.read(one, 3), '""');
  assert.equal(probe.unlink(3, "file"), "success");
  assert.equal(probe.read(two, 3), '"lo"');
  assert.equal(statOf(probe, one).nlink, 0n);
});

testHosts("positions beyond the end: reads find it, writes leave a hole", (probe) => {
  const fd = probe.mustOpen(3, "file", CREATE);
  assert.equal(probe.seek(fd, 10n, 0), 10n);
  assert.equal(probe.read(fd, 5), '""');
  probe.write(fd, "x");
  assert.equal(probe.pread(fd, { bytes: 20, offset: 0n }), `"${"\0".repeat(10)}x"`);
  assert.equal(probe.pread(fd, { bytes: 5, offset: 1n << 62n }), '""');
  assert.equal(probe.seek(fd, MAX, 1), "inval");
  assert.equal(probe.seek(fd, -12n, 2), "inval");
  const beyond = probe.pwrite(fd, { text: "x", offset: MAX });
  assert.ok(beyond === "fbig" || beyond === "inval", String(beyond));
});

testHosts("nothing is read or written with no buffers, or empty ones", (probe) => {
  const fd = probe.mustOpen(3, "file", CREATE);
  probe.view.setUint32(FREE, 0, true);
  probe.view.setUint32(FREE + 4, 0, true);
  for (const count of [0, 1]) {
    for (const name of ["fd_read", "fd_write"]) {
      probe.view.setUint32(FREE + 16, 99, true);
      assert.equal(probe.call(name, fd, FREE, count, FREE + 16), "success");
      assert.equal(probe.view.getUint32(FREE + 16, true), 0);
    }
  }
});

testHosts("a filestat has the mode in its unused bytes, where there is one", (probe, { box }) => {
  for (const [name, mode] of [["a", 0o644], ["b", 0o400], ["c", 0o755]] as const) {
    Deno.writeTextFileSync(`${box}/${name}`, "");
    Deno.chmodSync(`${box}/${name}`, mode);
    assert.equal(known(probe.stat(3, name)).mode, S_IFREG | mode);
    assert.equal(
      statOf(probe, probe.mustOpen(3, name, { rights: RIGHT.fdRead })).mode,
      S_IFREG | mode,
    );
  }
  Deno.mkdirSync(`${box}/d`);
  Deno.chmodSync(`${box}/d`, 0o1777);
  assert.equal(known(probe.stat(3, "d")).mode, S_IFDIR | 0o1777);
  Deno.symlinkSync("a", `${box}/l`);
  assert.equal(known(probe.stat(3, "l")).mode, S_IFREG | 0o644);
  assert.equal(statOf(probe, 0).mode, 0);
});

testHosts("fd_allocate() and fd_filestat_set_size() know their bounds", (probe) => {
  const fd = probe.mustOpen(3, "file", CREATE);
  assert.equal(probe.call("fd_allocate", fd, 0n, 0n), "inval");
  assert.equal(probe.call("fd_allocate", fd, 100n, 28n), "success");
  assert.equal(statOf(probe, fd).size, 128n);
  for (const [offset, length] of [[MAX, 1n], [1n, MAX], [-1n, 1n], [0n, -1n]] as const) {
    const answer = probe.call("fd_allocate", fd, offset, length);
    assert.ok(["fbig", "inval"].includes(answer), `${offset} + ${length}: ${answer}`);
  }
  for (const size of [-1n, MAX]) {
    const answer = probe.call("fd_filestat_set_size", fd, size);
    assert.ok(["fbig", "inval"].includes(answer), `${size}: ${answer}`);
  }
  assert.equal(statOf(probe, fd).size, 128n);
});

testHosts("times are set, kept and taken from the clock, one by one", (probe) => {
  const fd = probe.mustOpen(3, "file", CREATE);
  const { atim, atimNow, mtim, mtimNow } = FSTFLAG;
  const set = (flags: number, a = 0n, m = 0n): string =>
    probe.call("fd_filestat_set_times", fd, a * SECOND_NS, m * SECOND_NS, flags);
  const setPath = (flags: number, a = 0n, m = 0n): string =>
    probe.path("path_filestat_set_times", "file", {
      before: [3, 1],
      after: [a * SECOND_NS, m * SECOND_NS, flags],
    });
  for (const change of [set, setPath]) {
    const now = BigInt(Date.now() - 2_000) * 1_000_000n;
    assert.equal(change(atim | mtim, 1_000n, 2_000n), "success");
    const times = (): [bigint, bigint] => {
      const stat = statOf(probe, fd);
      return [stat.atim / SECOND_NS, stat.mtim / SECOND_NS];
    };
    assert.deepEqual(times(), [1_000n, 2_000n]);
    assert.equal(change(mtim, 7n, 3_000n), "success");
    assert.deepEqual(times(), [1_000n, 3_000n]);
    assert.equal(change(atim, 4_000n, 7n), "success");
    assert.deepEqual(times(), [4_000n, 3_000n]);
    assert.equal(change(0, 7n, 7n), "success");
    assert.deepEqual(times(), [4_000n, 3_000n]);
    assert.equal(change(atimNow), "success");
    assert.ok(statOf(probe, fd).atim > now);
    assert.equal(times()[1], 3_000n);
    assert.equal(change(atimNow | mtimNow), "success");
    assert.ok(statOf(probe, fd).mtim > now);
    for (const flags of [atim | atimNow, mtim | mtimNow, 15, 16]) {
      assert.equal(change(flags), "inval", String(flags));
    }
  }
});

testHosts("times are told to the nanosecond that they were set to", (probe, { box }) => {
  const fd = probe.mustOpen(3, "file", CREATE);
  probe.symlink("file", 3, "link");
  const both = FSTFLAG.atim | FSTFLAG.mtim;
  for (const ms of [1_795_262_575_122n, 1_795_262_575_123n, 999n, 1n, 1_000_000_000_001n]) {
    for (const beyond of [0n, 1n, 499_999n, 999_999n]) {
      const ns = ms * 1_000_000n + beyond;
      assert.equal(probe.call("fd_filestat_set_times", fd, ns, ns, both), "success");
      assert.equal(statOf(probe, fd).mtim, ns);
      const { mtime } = Deno.statSync(`${box}/file`);
      assert.ok(Math.abs(mtime!.getTime() - Number(ms)) <= 1, `${mtime} for ${ns}`);
      for (const path of ["file", "link"]) {
        const after = [ns + 1n, ns - 1n, both];
        const answer = probe.path("path_filestat_set_times", path, { before: [3, 0], after });
        assert.equal(answer, "success");
        const { atim, mtim } = known(probe.stat(3, path, { follow: false }));
        assert.deepEqual([atim, mtim], [ns + 1n, ns - 1n], path);
      }
    }
  }
});

testHosts("a write changes mtim, a read of another file does not", (probe) => {
  const fd = probe.mustOpen(3, "file", CREATE);
  probe.call("fd_filestat_set_times", fd, 1n, 1n, FSTFLAG.atim | FSTFLAG.mtim);
  probe.read(fd, 1);
  assert.equal(statOf(probe, fd).mtim / 1_000n, 0n);
  probe.write(fd, "x");
  assert.ok(statOf(probe, fd).mtim > SECOND_NS);
});

testHosts("fd_renumber() takes any two that are open, preopens and streams too", (probe) => {
  const file = probe.mustOpen(3, "file", CREATE);
  probe.write(file, "text");
  assert.equal(probe.call("fd_renumber", file, 0), "success");
  assert.equal(probe.pread(0, { bytes: 9, offset: 0n }), '"text"');
  const folder = probe.mustOpen(3, ".", { rights: RIGHT.fdRead });
  assert.equal(folder, file, "the number is free again");
  assert.equal(probe.call("fd_renumber", 3, folder), "success");
  assert.equal(probe.call("fd_prestat_get", 3, FREE), "badf");
  assert.equal(probe.call("fd_prestat_get", folder, FREE), "success", "it takes its name along");
  assert.equal(typeof probe.open(folder, "file"), "number");
});

testHosts("a preopen can be closed, and is gone then", (probe) => {
  assert.equal(probe.call("fd_close", 3), "success");
  assert.equal(probe.call("fd_prestat_get", 3, FREE), "badf");
  assert.equal(probe.open(3, "file", CREATE), "badf");
});

testHosts("descriptors have an end, and room again after a close", (probe) => {
  let opened = 0;
  for (; opened <= DESCRIPTORS_MAX; opened++) {
    const fd = probe.open(3, ".", { rights: RIGHT.fdRead });
    if (typeof fd === "string") {
      assert.equal(fd, "mfile");
      break;
    }
  }
  assert.equal(opened, DESCRIPTORS_MAX - 4);
  assert.equal(probe.open(3, "new", CREATE), "mfile");
  assert.equal(probe.call("fd_close", 77), "success");
  assert.equal(probe.open(3, "new", CREATE), 77);
});

testHosts("a directory's descriptor goes with it, and is of no use once it is removed", (probe) => {
  probe.mkdir(3, "old");
  const fd = probe.mustOpen(3, "old", { rights: RIGHT.fdRead });
  assert.equal(probe.rmdir(3, "old"), "success");
  for (const answer of [probe.open(fd, "new", CREATE), probe.mkdir(fd, "new")]) {
    assert.equal(answer, "noent");
  }
  assert.equal(probe.call("fd_readdir", fd, FREE, 512, 0n, FREE + 512), "noent");
});

testHosts("fd_readdir() of no room, and after the end", (probe) => {
  for (let index = 0; index < 9; index++) probe.mkdir(3, `${index}`);
  assert.equal(probe.call("fd_readdir", 3, FREE, 512, 0n, FREE + 512), "success");
  for (let index = 0; index < 9; index++) probe.rmdir(3, `${index}`);
  assert.equal(probe.call("fd_readdir", 3, FREE, 0, 0n, FREE + 64), "success");
  assert.equal(probe.view.getUint32(FREE + 64, true), 0);
  assert.equal(probe.call("fd_readdir", 3, FREE, 512, 0n, FREE + 512), "success");
  const last = probe.view.getBigUint64(FREE + 24 + 1, true);
  assert.equal(probe.call("fd_readdir", 3, FREE, 512, last, FREE + 512), "success");
  assert.equal(probe.view.getUint32(FREE + 512, true), 0);
  for (const cookie of [last + 1n, -1n]) {
    assert.equal(probe.call("fd_readdir", 3, FREE, 512, cookie, FREE + 512), "success");
    assert.equal(probe.view.getUint32(FREE + 512, true), 0, String(cookie));
  }
});

/** A pipe that nobody else has open: an open without `nonblock` waits for somebody, by POSIX. */
testHosts("a pipe in a folder is opened without blocking, and is at its end", (probe, { box }) => {
  if (Deno.build.os === "windows") return;
  new Deno.Command("mkfifo", { args: [`${box}/pipe`] }).outputSync();
  const fd = probe.mustOpen(3, "pipe", { rights: RIGHT.fdRead, flags: FDFLAG.nonblock });
  assert.equal(probe.read(fd, 10), '""');
  assert.equal(probe.seek(fd, 0n, 0), "spipe");
  const writer = probe.mustOpen(3, "pipe", { rights: RIGHT.fdWrite, flags: FDFLAG.nonblock });
  assert.equal(probe.read(fd, 10), "again");
  assert.equal(probe.write(writer, "through"), 7);
  assert.equal(probe.read(fd, 10), '"through"');
  assert.equal(probe.call("fd_close", fd), "success");
  assert.equal(probe.write(writer, "nobody"), "pipe");
});
