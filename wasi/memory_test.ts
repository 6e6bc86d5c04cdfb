import assert from "node:assert/strict";
import { ERRNO } from "./errno.ts";
import { GuestMemory } from "./memory.ts";
import { Refusal } from "./refusal.ts";

const PAGE_BYTES = 65_536;
const SHARED = { initial: 1, maximum: 4, shared: true };

function refusedWith(errno: number): (error: unknown) => boolean {
  return (error) => error instanceof Refusal && error.errno === errno;
}

for (const limits of [{ initial: 1 }, SHARED]) {
  const kind = "shared" in limits ? "shared" : "own";
  const bound = (): { memory: WebAssembly.Memory; guest: GuestMemory } => {
    const memory = new WebAssembly.Memory(limits);
    const guest = new GuestMemory();
    guest.bind(memory);
    return { memory, guest };
  };

  Deno.test(`GuestMemory reads and writes up to its end, and not beyond (${kind})`, () => {
    const { guest } = bound();
    guest.setU64(PAGE_BYTES - 8, 0x0102030405060708n);
    assert.equal(guest.getU8(PAGE_BYTES - 1), 1);
    assert.equal(guest.getU64(PAGE_BYTES - 8), 0x0102030405060708n);
    assert.equal(guest.bytes(PAGE_BYTES, 0).length, 0);
    for (const pointer of [PAGE_BYTES - 3, PAGE_BYTES, -1, -4]) {
      assert.throws(() => guest.getU32(pointer), refusedWith(ERRNO.fault));
      assert.throws(() => guest.setU32(pointer, 1), refusedWith(ERRNO.fault));
    }
    assert.throws(() => guest.bytes(0, PAGE_BYTES + 1), refusedWith(ERRNO.fault));
    assert.throws(() => guest.bytes(PAGE_BYTES + 1, 0), refusedWith(ERRNO.fault));
  });

  Deno.test(`GuestMemory sees at once that it has grown (${kind})`, () => {
    const { memory, guest } = bound();
    guest.setU8(0, 7);
    memory.grow(1);
    assert.equal(guest.getU8(0), 7);
    assert.equal(guest.bytes(0, 0).length, 0);
    guest.setU8(2 * PAGE_BYTES - 1, 9);
    assert.equal(new Uint8Array(memory.buffer)[2 * PAGE_BYTES - 1], 9);
    assert.throws(() => guest.getU8(2 * PAGE_BYTES), refusedWith(ERRNO.fault));
  });

  Deno.test(`GuestMemory.vectors() forgets an address when the memory grows (${kind})`, () => {
    const { memory, guest } = bound();
    guest.setU32(0, 16);
    guest.setU32(4, 2);
    const vectors = guest.vectors(0, 1);
    assert.deepEqual([vectors.count, vectors.bytes, vectors.view(0).byteOffset], [1, 2, 16]);
    vectors.address = 1n;
    assert.equal(guest.vectors(0, 1).address, 1n);
    memory.grow(1);
    guest.setU32(0, PAGE_BYTES + 16);
    assert.equal(guest.vectors(0, 1).address, undefined);
    assert.equal(vectors.view(0).byteOffset, PAGE_BYTES + 16);
  });

  Deno.test(`Vectors.content() can be decoded (${kind})`, () => {
    const { guest } = bound();
    guest.bytes(16, 2).set([0x68, 0x69]);
    guest.setU32(0, 16);
    guest.setU32(4, 2);
    assert.equal(new TextDecoder().decode(guest.vectors(0, 1).content(0)), "hi");
  });

  Deno.test(`GuestMemory.path() takes UTF-8 without a NUL (${kind})`, () => {
    const { guest } = bound();
    const path = (...bytes: number[]): ReturnType<GuestMemory["path"]> => {
      guest.bytes(16, bytes.length).set(bytes);
      return guest.path(16, bytes.length);
    };
    const accented = path(0x61, 0x2f, 0xc3, 0xa9);
    assert.deepEqual([accented.text, accented.isPlainName], ["a/é", false]);
    assert.deepEqual([...accented.bytes.subarray(0, 5)], [0x61, 0x2f, 0xc3, 0xa9, 0]);
    assert.deepEqual([path(0x62).text, path(0x62).isPlainName], ["b", true]);
    assert.deepEqual([path(0x62).bytes[1], path().text, path().isPlainName], [0, "", false]);
    assert.equal(path(0x2e, 0x2e).isPlainName, false);
    assert.equal(path(0x2e, 0x2e, 0x2e).isPlainName, true);
    for (const invalid of [[0xff], [0xc3], [0x61, 0xed, 0xa0, 0x80], [0xc0, 0xaf], [0xff, 0]]) {
      assert.throws(() => path(...invalid), refusedWith(ERRNO.ilseq));
    }
    assert.throws(() => path(0x61, 0), refusedWith(ERRNO.inval));
    guest.bytes(0, 4_096).fill(0x61);
    assert.equal(guest.path(0, 4_095).length, 4_095);
    assert.throws(() => guest.path(0, 4_096), refusedWith(ERRNO.nametoolong));
  });
}

Deno.test("GuestMemory refuses everything before it is bound", () => {
  assert.throws(() => new GuestMemory().getU8(0), refusedWith(ERRNO.fault));
  assert.throws(() => new GuestMemory().vectors(0, 0), refusedWith(ERRNO.fault));
});
