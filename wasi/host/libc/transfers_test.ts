import assert from "node:assert/strict";
import { GuestMemory, type Vectors } from "../../memory.ts";
import * as linux from "./constants.ts";
import { Library } from "./library.ts";
import { cString } from "./resolver.ts";
import { Transfers } from "./transfers.ts";

/** Opened before any test, because a library stays open for good and would look like a leak. */
const library = Deno.build.os === "linux" ? Library.open() : undefined;
const IOVECS = 1_024;

/** A guest's memory with texts in it, and the buffers that hold them. */
class Buffers {
  readonly memory: WebAssembly.Memory;
  readonly #guest = new GuestMemory();

  constructor(memory: WebAssembly.Memory) {
    this.memory = memory;
    this.#guest.bind(memory);
  }

  of(...texts: readonly string[]): Vectors {
    const view = new DataView(this.memory.buffer);
    let at = 0;
    for (const [index, text] of texts.entries()) {
      new Uint8Array(this.memory.buffer).set(new TextEncoder().encode(text), at);
      view.setUint32(IOVECS + index * 8, at, true);
      view.setUint32(IOVECS + index * 8 + 4, text.length, true);
      at += text.length;
    }
    return this.#guest.vectors(IOVECS, texts.length);
  }

  text(length: number): string {
    return new TextDecoder().decode(new Uint8Array(this.memory.buffer).slice(0, length));
  }
}

const SHARED = { initial: 1, maximum: 4, shared: true };
for (const limits of [{ initial: 1 }, SHARED]) {
  const kind = "shared" in limits ? "shared" : "own";
  Deno.test({
    name: `Transfers move bytes at a place and in pieces (${kind} memory)`,
    ignore: library === undefined,
    async fn(): Promise<void> {
      const folder = await Deno.makeTempDir();
      const { functions, calls } = library!;
      const options = { flags: linux.O_CREAT | linux.O_RDWR, mode: 0o600 };
      const fd = calls.openat(linux.AT_FDCWD, cString(`${folder}/file`), options);
      try {
        const transfers = new Transfers(library!);
        const buffers = new Buffers(new WebAssembly.Memory(limits));
        assert.equal(transfers.write(fd, buffers.of("ab", "cde")), 5);
        assert.equal(transfers.write(fd, buffers.of("f")), 1);
        assert.equal(transfers.pwrite(fd, buffers.of("XY"), 4n), 2);
        buffers.memory.grow(1);
        assert.equal(transfers.pwrite(fd, buffers.of("1", "2"), 6n), 2);
        assert.equal(await Deno.readTextFile(`${folder}/file`), "abcdXY12");

        assert.equal(transfers.pread(fd, buffers.of("..."), 3n), 3);
        assert.equal(buffers.text(3), "dXY");
        assert.equal(transfers.pread(fd, buffers.of(".", "...."), 5n), 3);
        assert.equal(buffers.text(5), "Y12..");
        functions.lseek(fd, 1n, 0);
        assert.equal(transfers.read(fd, buffers.of(".", ".")), 2);
        assert.equal(transfers.read(fd, buffers.of("..")), 2);
        assert.equal(buffers.text(2), "dX");
        assert.equal(transfers.read(fd, buffers.of()), 0);
      } finally {
        functions.close(fd);
        await Deno.remove(folder, { recursive: true });
      }
      assert.equal(
        new Transfers(library!).read(-1, new Buffers(new WebAssembly.Memory(limits)).of(".")),
        -8,
      );
    },
  });
}
