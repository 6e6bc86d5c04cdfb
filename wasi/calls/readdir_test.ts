import assert from "node:assert/strict";
import { DIRENT_BYTES, FILETYPE, OFLAG } from "../abi.ts";
import { FREE, type Probe, testHosts } from "../testing/probe.ts";

interface Entry {
  readonly name: string;
  readonly ino: bigint;
  readonly filetype: number;
  readonly next: bigint;
}

/** One call; the whole entries that it gave, and whether the buffer was full. */
function readdir(
  probe: Probe,
  fd: number,
  { cookie, size }: { cookie: bigint; size: number },
): { readonly entries: readonly Entry[]; readonly full: boolean } {
  const used = FREE + size;
  assert.equal(probe.call("fd_readdir", fd, FREE, size, cookie, used), "success");
  const end = FREE + probe.view.getUint32(used, true);
  const entries: Entry[] = [];
  for (let at = FREE; at + DIRENT_BYTES <= end;) {
    const length = probe.view.getUint32(at + 16, true);
    if (at + DIRENT_BYTES + length > end) break;
    entries.push({
      next: probe.view.getBigUint64(at, true),
      ino: probe.view.getBigUint64(at + 8, true),
      filetype: probe.view.getUint8(at + 20),
      name: probe.get(at + DIRENT_BYTES, length),
    });
    at += DIRENT_BYTES + length;
  }
  return { entries, full: end - FREE === size };
}

/** All entries, the way that libc does it: continue after the last whole one. */
function readAll(probe: Probe, fd: number, size: number): Entry[] {
  const all: Entry[] = [];
  let cookie = 0n;
  while (true) {
    const { entries, full } = readdir(probe, fd, { cookie, size });
    all.push(...entries);
    if (!full) return all;
    assert.notEqual(entries.length, 0, "the buffer holds no entry");
    cookie = entries.at(-1)!.next;
  }
}

testHosts("fd_readdir() tells names, types and inodes", (probe) => {
  probe.mustOpen(3, "file", { oflags: OFLAG.creat });
  probe.mkdir(3, "dir");
  probe.symlink("file", 3, "link");
  const all = readAll(probe, 3, 4_096).sort((a, b) => a.name < b.name ? -1 : 1);
  assert.deepEqual(all.map(({ name, filetype }) => [name, filetype]), [
    [".", FILETYPE.directory],
    ["..", FILETYPE.directory],
    ["dir", FILETYPE.directory],
    ["file", FILETYPE.regularFile],
    ["link", FILETYPE.symbolicLink],
  ]);
  for (const { name, ino } of all.filter(({ name }) => name !== "..")) {
    const stat = probe.stat(3, name, { follow: false });
    assert.ok(typeof stat !== "string");
    assert.equal(ino, stat.ino, name);
  }
});

testHosts("fd_readdir() gives every entry once, whatever the buffer", (probe, { box }) => {
  const names = Array.from({ length: 700 }, (_, index) => `entry-${index}`);
  for (const name of names) Deno.writeTextFileSync(`${box}/${name}`, "");
  const expected = [".", "..", ...names].sort();
  for (const size of [64, 100, 1_000, 65_536]) {
    assert.deepEqual(readAll(probe, 3, size).map(({ name }) => name).sort(), expected);
  }
});

testHosts("fd_readdir() continues anywhere in a long listing, by cookies that C can keep", (probe, {
  box,
}) => {
  for (let index = 0; index < 5_000; index++) Deno.writeTextFileSync(`${box}/${index}`, "");
  const all = readAll(probe, 3, 65_536);
  assert.equal(new Set(all.map(({ name }) => name)).size, 5_002);
  // telldir() of wasi-libc has 32 bits.
  for (const { next } of all.slice(0, 4_000)) assert.ok(next > 0n && next < 1n << 31n, `${next}`);
  for (const index of [4_999, 2, 4_094, 4_095, 4_096, 1_234, 0]) {
    const { entries } = readdir(probe, 3, { cookie: all[index]!.next, size: 100 });
    assert.equal(entries[0]!.name, all[index + 1]!.name, `after ${index}`);
  }
});

testHosts("fd_readdir() cookies stay right while entries are removed", (probe, { box }) => {
  const names = Array.from({ length: 300 }, (_, index) => `entry-${index}`);
  for (const name of names) Deno.writeTextFileSync(`${box}/${name}`, "");
  const seen = new Set<string>();
  let cookie = 0n;
  while (true) {
    const { entries, full } = readdir(probe, 3, { cookie, size: 256 });
    for (const { name } of entries) {
      assert.ok(!seen.has(name), `${name} came twice`);
      seen.add(name);
      if (!name.startsWith(".")) assert.equal(probe.unlink(3, name), "success");
    }
    if (!full) break;
    cookie = entries.at(-1)!.next;
  }
  assert.equal(seen.size, names.length + 2);
});

testHosts("fd_readdir() from 0 sees what is new; from a cookie it continues", (probe) => {
  const first = readdir(probe, 3, { cookie: 0n, size: 30 }).entries[0]!;
  probe.mustOpen(3, "new", { oflags: OFLAG.creat });
  assert.ok(readAll(probe, 3, 4_096).some(({ name }) => name === "new"));
  const rest = readdir(probe, 3, { cookie: first.next, size: 4_096 }).entries;
  assert.ok(rest.every(({ name }) => name !== first.name));
  const file = probe.mustOpen(3, "new");
  assert.equal(probe.call("fd_readdir", file, FREE, 100, 0n, FREE + 100), "notdir");
});
