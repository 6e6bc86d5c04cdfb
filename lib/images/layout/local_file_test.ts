import assert from "node:assert/strict";
import { join } from "node:path";
import { isKubeletError } from "../../errors.ts";
import { PullFailure } from "../oci/failure.ts";
import { copyLocalFile, localPath } from "./local_file.ts";
import { type Blob, BlobStore } from "../store/store.ts";
import { digestOf, MODULE, names, TestDir } from "../oci/_test_registry.ts";

const { signal } = new AbortController();

const PATHS: Readonly<Record<string, string | undefined>> = {
  "file:./app.wasm": "./app.wasm",
  "file:app.wasm": "app.wasm",
  "file:/srv/app.wasm": "/srv/app.wasm",
  "file:///srv/my%20app.wasm": "/srv/my app.wasm",
  "fs//srv/app.wasm": "/srv/app.wasm",
  "fs//srv/app.wasm:v1": "/srv/app.wasm",
  "fs/./app.wasm": "./app.wasm",
  "fs/app": undefined,
  "r.io/file:1": undefined,
  "profile:1": undefined,
};

for (const [image, path] of Object.entries(PATHS)) {
  Deno.test(`localPath() of ${image} is ${path ?? "not local"}`, () => {
    assert.equal(localPath(image), path);
  });
}

Deno.test("localPath() refuses a file: image without a path of this machine", () => {
  for (const image of ["file:", "file://server/share.wasm"]) {
    assert.throws(() => localPath(image), (error) => isKubeletError(error, "image_name"));
  }
});

/** More than any other test's file has. */
const BYTES_MAX = 1 << 20;

async function copyFile(dir: TestDir, path: string): Promise<Blob> {
  const store = new BlobStore(join(dir.path, "store"));
  return await copyLocalFile(path, { store, bytesMax: BYTES_MAX, signal });
}

Deno.test("copyLocalFile() says what is wrong with a file", async () => {
  await using dir = new TestDir();
  const file = async (name: string, content: string | Uint8Array): Promise<string> => {
    const path = join(dir.path, name);
    await Deno.writeFile(
      path,
      typeof content === "string" ? new TextEncoder().encode(content) : content,
    );
    return path;
  };
  const sparse = await file("big.wasm", MODULE);
  await Deno.truncate(sparse, BYTES_MAX + 1);
  const cases: readonly (readonly [path: string, message: RegExp])[] = [
    [join(dir.path, "none.wasm"), /none.wasm" does not exist/],
    [dir.path, /is not a regular file/],
    [await file("empty.wasm", ""), /not a WebAssembly module: it is empty/],
    [await file("short.wasm", "\0asm"), /it has only 4 bytes/],
    [await file("app.wat", "(module\n)"), /WebAssembly text \(WAT\); translate it with wat2wasm/],
    [sparse, /big.wasm" holds more than 1048576 bytes, the limit/],
    [await file("elf", "\x7fELF\x02\x01\x01\0"), /native code \(ELF\)/],
    [
      await file("version.wasm", Uint8Array.of(0, 0x61, 0x73, 0x6d, 2, 0, 0, 0)),
      /unknown .* version/,
    ],
    [await file("text", "hello world"), /begins with 68 65 6c 6c 6f/],
  ];
  for (const [path, message] of cases) {
    await assert.rejects(copyFile(dir, path), (error: unknown) => {
      assert.ok(error instanceof PullFailure, String(error));
      assert.match(error.message, message);
      return true;
    });
  }
  assert.deepEqual(names(join(dir.path, "store", "partial")), []);
});

Deno.test("copyLocalFile() takes modules and components", async () => {
  await using dir = new TestDir();
  const component = Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0);
  await Deno.writeFile(join(dir.path, "c.wasm"), component);
  const blob = await copyFile(dir, join(dir.path, "c.wasm"));
  assert.equal(blob.digest, digestOf(component));
});
