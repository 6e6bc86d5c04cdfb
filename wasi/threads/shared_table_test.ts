import assert from "node:assert/strict";
import { FDFLAG, RIGHT, RIGHTS_ALL } from "../abi.ts";
import { DirectoryDescriptor } from "../descriptors/directory.ts";
import { StreamDescriptor } from "../descriptors/stream.ts";
import { DESCRIPTORS_CLOSING_MAX, DESCRIPTORS_MAX } from "../limits.ts";
import { LibcFile } from "../host/libc/libc_file.ts";
import { LibcHost } from "../host/libc/libc_host.ts";
import { LibcSockets } from "../host/libc/libc_sockets.ts";
import { FileDescriptor } from "../descriptors/file.ts";
import { SocketDescriptor } from "../descriptors/socket.ts";
import { ERRNO } from "../errno.ts";
import { openListener } from "../descriptors/open_listener.ts";
import { Refusal } from "../refusal.ts";
import { FIELD, type Shelf, writeChanges, writeRecord } from "./descriptor_record.ts";
import { SharedTable } from "./shared_table.ts";

const LINUX = Deno.build.os === "linux";
const host = LINUX ? LibcHost.open({ sockets: LibcSockets }) : undefined!;

/** Two threads' views of one table, played by one thread. */
function twoThreads(): { readonly one: SharedTable; readonly two: SharedTable } {
  const streams: StreamDescriptor[] = [];
  const shelf: Shelf = {
    names: [],
    putStream: (stream) => streams.push(stream) - 1,
    stream: (handle) => streams[handle]!,
  };
  const one = new SharedTable({ host, shelf });
  return { one, two: new SharedTable({ host, shelf, buffer: one.buffer }) };
}

function openFile(): FileDescriptor {
  const file = host.openFile("/dev/null");
  assert.ok(typeof file !== "number");
  const options = { read: true, write: true, rights: RIGHTS_ALL, flags: 0, readOnly: false };
  return new FileDescriptor(file, options);
}

function kernelNumber(table: SharedTable, fd: number): number {
  const descriptor = table.get(fd);
  assert.ok(descriptor instanceof FileDescriptor && descriptor.file instanceof LibcFile);
  return descriptor.file.fd;
}

function isOpen(fd: number): boolean {
  try {
    return Deno.readLinkSync(`/proc/self/fd/${fd}`) === "/dev/null";
  } catch {
    return false;
  }
}

const badf = (error: unknown): boolean => error instanceof Refusal && error.errno === 8;

function test(name: string, run: () => void): void {
  Deno.test({ name, ignore: !LINUX, fn: run });
}

test("get() finds what another thread has added, changed and closed", () => {
  const { one, two } = twoThreads();
  const fd = one.add(openFile());
  const descriptor = two.get(fd);
  assert.equal(two.get(fd), descriptor); // the same object as long as nothing changes
  assert.equal(kernelNumber(one, fd), kernelNumber(two, fd));
  one.get(fd).rights = RIGHT.fdWrite;
  one.get(fd).flags = FDFLAG.append;
  one.changed(fd);
  assert.equal(two.get(fd).rights, RIGHT.fdWrite);
  assert.equal(two.get(fd).flags, FDFLAG.append);
  assert.throws(
    () => two.require(fd, RIGHT.fdRead),
    (error) => error instanceof Refusal && error.errno === 76,
  );
  two.release();
  assert.equal(one.close(fd), 0);
  assert.throws(() => two.get(fd), badf);
  assert.throws(() => one.close(fd), badf);
});

test("close() leaves the kernel's descriptor open until the last call with it has ended", () => {
  const { one, two } = twoThreads();
  const fd = one.add(openFile());
  const number = kernelNumber(two, fd);
  assert.equal(one.close(fd), 0);
  assert.throws(() => one.get(fd), badf);
  const next = one.add(openFile()); // the guest's number is free at once, the kernel's is not
  assert.equal(next, fd);
  assert.ok(isOpen(number));
  assert.notEqual(kernelNumber(one, next), number);
  two.release();
  assert.equal(isOpen(number), false);
  one.release();
  one.closeAll();
});

test("rights that one thread gives up do not come back with what another changes", () => {
  const file = openFile();
  const place = { words: new Int32Array(new SharedArrayBuffer(4 * FIELD.count)), at: 0 };
  writeRecord(place, file, { names: [], stream: () => assert.fail() });
  // Both have found it before either changes it: there is no lock between them.
  const shrunk = openFile();
  shrunk.rights &= ~RIGHT.fdWrite;
  writeChanges(place, shrunk);
  file.flags = FDFLAG.append;
  writeChanges(place, file);
  assert.equal(place.words[FIELD.rights], shrunk.rights);
  assert.equal(place.words[FIELD.flags], FDFLAG.append);
  for (const each of [file, shrunk]) each.close();
});

test("a socket is the same for all threads: kind, leave to listen, and waiting", () => {
  const { one, two } = twoThreads();
  const socket = host.openSocket("ipv6", "udp");
  assert.ok(typeof socket !== "number");
  const options = { rights: RIGHTS_ALL, inheriting: 0, flags: 0, nonblockWhenAsked: true };
  const fd = one.add(new SocketDescriptor(socket, options));
  const [mine, others] = [one.get(fd), two.get(fd)];
  assert.ok(mine instanceof SocketDescriptor && others instanceof SocketDescriptor);
  assert.deepEqual([others.socket.family, others.socket.protocol], ["ipv6", "udp"]);
  assert.equal(others.bound, false);
  assert.equal(others.tellFlags(), FDFLAG.nonblock);
  others.bound = true;
  two.changed(fd);
  const after = one.get(fd);
  assert.ok(after instanceof SocketDescriptor);
  assert.equal(after.bound, true);
  assert.equal(after.nonblock, true);
  for (const table of [one, two]) table.release();
  one.closeAll();
});

test("interrupt() wakes who waits for a socket, although its number is closed", () => {
  const { one, two } = twoThreads();
  const fd = one.add(openListener(host, { hostname: "127.0.0.1", port: 0 }));
  const waiting = two.get(fd);
  assert.equal(one.close(fd), 0);
  one.interrupt();
  assert.ok(waiting instanceof SocketDescriptor);
  assert.equal(waiting.socket.accept({ nonblock: false }), -ERRNO.inval);
  two.release();
  one.closeAll();
});

test("closeAll() closes everything but what a thread works with", () => {
  const { one, two } = twoThreads();
  const numbers = Array.from({ length: 3 }, () => kernelNumber(one, one.add(openFile())));
  one.release();
  two.get(1);
  one.closeAll();
  assert.deepEqual(numbers.map(isOpen), [false, true, false]);
  two.release();
  assert.equal(isOpen(numbers[1]!), false);
});

test("renumber() closes the target and moves the source", () => {
  const { one, two } = twoThreads();
  const [from, to] = [one.add(openFile()), one.add(openFile())];
  const [moving, closed] = [kernelNumber(two, from), kernelNumber(two, to)];
  two.release();
  one.renumber(from, to);
  one.release();
  assert.equal(kernelNumber(two, to), moving);
  assert.throws(() => two.get(from), badf);
  assert.equal(isOpen(closed), false);
  two.renumber(to, to);
  two.release();
  assert.ok(isOpen(moving));
  assert.throws(() => two.renumber(to, 77), badf);
  two.release();
  two.closeAll();
});

test("add() gives the lowest free number, and none beyond the limit", () => {
  const { one } = twoThreads();
  const discard = (): StreamDescriptor => new StreamDescriptor();
  for (let fd = 0; fd < DESCRIPTORS_MAX; fd++) assert.equal(one.add(discard()), fd);
  assert.equal(one.add(discard()), -33);
  for (const fd of [9, 3, 500]) assert.equal(one.close(fd), 0);
  assert.deepEqual([3, 9, 500].map(() => one.add(discard())), [3, 9, 500]);
});

test("add() refuses more while too many closed ones are in use", () => {
  const { one, two } = twoThreads();
  for (let count = 0; count < DESCRIPTORS_MAX + DESCRIPTORS_CLOSING_MAX; count++) {
    const fd = one.add(new StreamDescriptor());
    assert.ok(fd >= 0);
    two.get(fd);
    one.close(fd);
  }
  assert.equal(one.add(new StreamDescriptor()), -33);
  two.release();
  assert.equal(one.add(new StreamDescriptor()), 0);
});

test("a directory is read by two threads at once, each from its own cookie", () => {
  const folder = Deno.makeTempDirSync();
  try {
    for (let index = 0; index < 1_000; index++) Deno.writeTextFileSync(`${folder}/${index}`, "");
    const { one, two } = twoThreads();
    const root = host.openRoot(folder);
    assert.ok(typeof root !== "number");
    const options = { rights: RIGHTS_ALL, inheriting: RIGHTS_ALL, readOnly: false };
    const fd = one.add(new DirectoryDescriptor(root, options));
    const cookies = new Map([[one, 0n], [two, 0n]]);
    const names = new Map([[one, new Set<string>()], [two, new Set<string>()]]);
    for (let step = 0; step < 400; step++) {
      const table = step % 3 === 0 ? one : two;
      let left = 7;
      table.get(fd).directory!.readEntries(cookies.get(table)!, (entry) => {
        if (left-- === 0) return false;
        const { bytes, nameStart, nameEnd } = entry;
        names.get(table)!.add(new TextDecoder().decode(bytes.subarray(nameStart, nameEnd)));
        cookies.set(table, entry.next);
        return true;
      });
      table.release();
    }
    assert.equal(names.get(two)!.size, 1_002);
    assert.equal(names.get(one)!.size, 134 * 7);
    one.closeAll();
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
