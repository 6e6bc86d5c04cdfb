import assert from "node:assert/strict";
import { FDFLAG, OFLAG, RIGHT, RIGHTS_ALL } from "../abi.ts";
import { FREE, testHosts } from "../testing/probe.ts";

const CREATE = { oflags: OFLAG.creat };

testHosts("fd_write() and fd_read() move bytes and the position", (probe, { box }) => {
  const fd = probe.mustOpen(3, "file", CREATE);
  assert.equal(fd, 4);
  assert.equal(probe.write(fd, "hello world"), 11);
  assert.equal(Deno.readTextFileSync(`${box}/file`), "hello world");
  assert.equal(probe.read(fd, 5), '""');
  assert.equal(probe.seek(fd, 6n, 0), 6n);
  assert.equal(probe.read(fd, 20), '"world"');
  assert.equal(probe.seek(fd, -3n, 1), 8n);
  assert.equal(probe.read(fd, 2), '"rl"');
  assert.equal(probe.seek(fd, -1n, 2), 10n);
  assert.equal(probe.call("fd_tell", fd, FREE), "success");
  assert.equal(probe.view.getBigUint64(FREE, true), 10n);
  assert.equal(probe.seek(fd, -1n, 0), "inval");
  assert.equal(probe.seek(fd, 0n, 3), "inval");
});

testHosts("fd_pread() and fd_pwrite() leave the position alone", (probe) => {
  const fd = probe.mustOpen(3, "file", CREATE);
  assert.equal(probe.write(fd, "0123456789"), 10);
  assert.equal(probe.pwrite(fd, { text: "ab", offset: 2n }), 2);
  assert.equal(probe.pread(fd, { bytes: 4, offset: 1n }), '"1ab4"');
  assert.equal(probe.pread(fd, { bytes: 4, offset: 100n }), '""');
  assert.equal(probe.pread(fd, { bytes: 4, offset: -1n }), "inval");
  assert.equal(probe.seek(fd, 0n, 1), 10n);
});

testHosts("append writes at the end until the flag is taken off", (probe, { box }) => {
  Deno.writeTextFileSync(`${box}/log`, "one ");
  const fd = probe.mustOpen(3, "log", { flags: FDFLAG.append });
  assert.equal(probe.seek(fd, 0n, 0), 0n);
  assert.equal(probe.write(fd, "two "), 4);
  assert.equal(probe.seek(fd, 0n, 1), 8n);
  assert.equal(probe.call("fd_fdstat_set_flags", fd, 0), "success");
  assert.equal(probe.seek(fd, 0n, 0), 0n);
  assert.equal(probe.write(fd, "ONE"), 3);
  assert.equal(Deno.readTextFileSync(`${box}/log`), "ONE two ");
  assert.equal(probe.call("fd_fdstat_set_flags", fd, FDFLAG.sync), "notsup");
  assert.equal(probe.call("fd_fdstat_set_flags", fd, 64), "inval");
});

testHosts("a file does only what it was opened for", (probe, { box }) => {
  Deno.writeTextFileSync(`${box}/file`, "text");
  const reader = probe.mustOpen(3, "file", { rights: RIGHT.fdRead });
  const writer = probe.mustOpen(3, "file", { rights: RIGHT.fdWrite });
  assert.equal(probe.write(reader, "x"), "badf");
  assert.equal(probe.read(writer, 4), "badf");
  assert.equal(probe.call("fd_filestat_set_size", reader, 0n), "inval");
  assert.equal(probe.read(reader, 4), '"text"');
  assert.equal(probe.read(3, 1), "isdir");
  assert.equal(probe.pread(3, { bytes: 1, offset: 0n }), "isdir");
  assert.equal(probe.write(3, "x"), "badf");
  assert.equal(probe.pwrite(3, { text: "x", offset: 0n }), "badf");
});

testHosts("fd_fdstat_set_rights() only takes away", (probe) => {
  const fd = probe.mustOpen(3, "file", CREATE);
  probe.call("fd_fdstat_get", fd, FREE);
  const rights = probe.view.getBigUint64(FREE + 8, true);
  const less = rights & ~BigInt(RIGHT.fdSeek | RIGHT.fdWrite);
  assert.equal(probe.call("fd_fdstat_set_rights", fd, less, 0n), "success");
  assert.equal(probe.seek(fd, 1n, 0), "notcapable");
  assert.equal(probe.seek(fd, 0n, 1), 0n);
  assert.equal(probe.write(fd, "x"), "badf");
  assert.equal(probe.call("fd_fdstat_set_rights", fd, rights, 0n), "notcapable");
});

testHosts("what a directory may not do, nothing opened through it may", (probe) => {
  const all = BigInt(RIGHTS_ALL);
  probe.call("fd_fdstat_get", 3, FREE);
  const base = probe.view.getBigUint64(FREE + 8, true);
  const inheriting = all & ~BigInt(RIGHT.fdWrite);
  const less = base & ~BigInt(RIGHT.pathUnlinkFile);
  assert.equal(probe.call("fd_fdstat_set_rights", 3, less, inheriting), "success");
  assert.equal(probe.open(3, "file", CREATE), "notcapable");
  probe.mustOpen(3, "file", { ...CREATE, rights: RIGHT.fdRead });
  assert.equal(probe.unlink(3, "file"), "notcapable");
});

testHosts("fd_filestat_set_size(), fd_allocate() and fd_advise()", (probe, { box }) => {
  const fd = probe.mustOpen(3, "file", CREATE);
  probe.write(fd, "123456");
  assert.equal(probe.call("fd_filestat_set_size", fd, 3n), "success");
  assert.equal(Deno.readTextFileSync(`${box}/file`), "123");
  assert.equal(probe.call("fd_allocate", fd, 0n, 100n), "success");
  assert.equal(Deno.statSync(`${box}/file`).size, 100);
  assert.equal(probe.call("fd_allocate", fd, 0n, 10n), "success");
  assert.equal(Deno.statSync(`${box}/file`).size, 100);
  for (let advice = 0; advice <= 5; advice++) {
    assert.equal(probe.call("fd_advise", fd, 0n, 10n, advice), "success");
  }
  assert.equal(probe.call("fd_advise", fd, 0n, 10n, 6), "inval");
  assert.equal(probe.call("fd_advise", 3, 0n, 10n, 0), "badf");
  assert.equal(probe.call("fd_allocate", 3, 0n, 10n), "badf");
  for (const call of ["fd_sync", "fd_datasync"]) assert.equal(probe.call(call, fd), "success");
});

testHosts("fd_filestat_set_times() sets, keeps and takes the present", (probe) => {
  const fd = probe.mustOpen(3, "file", CREATE);
  const ms = 1_000_000n;
  assert.equal(probe.call("fd_filestat_set_times", fd, 1_000n * ms, 2_000n * ms, 5), "success");
  const first = probe.stat(fd);
  assert.ok(typeof first !== "string");
  assert.deepEqual([first.atim, first.mtim], [1_000n * ms, 2_000n * ms]);
  const before = BigInt(Date.now() - 1_000) * ms;
  assert.equal(probe.call("fd_filestat_set_times", fd, 0n, 0n, 8), "success");
  const second = probe.stat(fd);
  assert.ok(typeof second !== "string");
  assert.equal(second.atim, 1_000n * ms);
  assert.ok(second.mtim > before);
  assert.equal(probe.call("fd_filestat_set_times", fd, 0n, 0n, 3), "inval");
  assert.equal(probe.call("fd_filestat_set_times", fd, 0n, 0n, 16), "inval");
});

testHosts("numbers: the lowest free one is given, and a closed one is bad", (probe) => {
  const [a, b, c] = ["a", "b", "c"].map((name) => probe.mustOpen(3, name, CREATE));
  assert.deepEqual([a, b, c], [4, 5, 6]);
  assert.equal(probe.call("fd_close", 4), "success");
  assert.equal(probe.call("fd_close", 4), "badf");
  assert.equal(probe.call("fd_close", -1), "badf");
  assert.equal(probe.read(4, 1), "badf");
  assert.equal(probe.mustOpen(3, "d", CREATE), 4);
  assert.equal(probe.mustOpen(3, "e", CREATE), 7);
});

testHosts("fd_renumber() moves onto an open number and frees its own", (probe) => {
  const from = probe.mustOpen(3, "from", CREATE);
  const to = probe.mustOpen(3, "to", CREATE);
  probe.write(from, "from");
  assert.equal(probe.call("fd_renumber", from, to), "success");
  assert.equal(probe.pread(to, { bytes: 10, offset: 0n }), '"from"');
  assert.equal(probe.read(from, 1), "badf");
  assert.equal(probe.call("fd_renumber", to, 99), "badf");
  assert.equal(probe.call("fd_renumber", 99, to), "badf");
  assert.equal(probe.call("fd_renumber", to, to), "success");
});

testHosts("preopens are told by name", (probe) => {
  assert.equal(probe.call("fd_prestat_get", 3, FREE), "success");
  assert.equal(probe.view.getUint32(FREE + 4, true), 4);
  assert.equal(probe.call("fd_prestat_dir_name", 3, FREE, 4), "success");
  assert.equal(probe.get(FREE, 4), "/box");
  assert.equal(probe.call("fd_prestat_dir_name", 3, FREE, 3), "nametoolong");
  assert.equal(probe.call("fd_prestat_get", 4, FREE), "badf");
  assert.equal(probe.call("fd_prestat_get", 2, FREE), "badf");
});

testHosts(
  "pointers outside of the memory are faults, before anything is done",
  (probe, { box }) => {
    const fd = probe.mustOpen(3, "file", CREATE);
    const end = probe.bytes.length;
    assert.equal(probe.call("fd_filestat_get", fd, end - 8), "fault");
    assert.equal(probe.call("fd_write", fd, end - 4, 1, FREE), "fault");
    assert.equal(probe.call("fd_write", fd, FREE, 0xffff_ffff, FREE), "fault");
    probe.view.setUint32(FREE, end - 2, true);
    probe.view.setUint32(FREE + 4, 3, true);
    assert.equal(probe.call("fd_write", fd, FREE, 1, FREE + 16), "fault");
    probe.view.setUint32(FREE, 0, true);
    assert.equal(probe.call("fd_write", fd, FREE, 1, end), "fault");
    assert.equal(Deno.statSync(`${box}/file`).size, 0);
  },
);

testHosts("memory may grow between calls", (probe) => {
  const fd = probe.mustOpen(3, "file", CREATE);
  probe.write(fd, "grown");
  const old = probe.bytes.length;
  probe.memory.grow(1);
  probe.view.setUint32(old, old + 16, true);
  probe.view.setUint32(old + 4, 5, true);
  assert.equal(probe.call("fd_pread", fd, old, 1, 0n, old + 8), "success");
  assert.equal(probe.get(old + 16, 5), "grown");
});

testHosts("sock_* answer notsock, and badf for nothing", (probe) => {
  for (const name of ["sock_accept", "sock_recv", "sock_send", "sock_shutdown"]) {
    assert.equal(probe.call(name, 3, 0, 0), "notsock");
    assert.equal(probe.call(name, 77, 0, 0), "badf");
  }
});
