import assert from "node:assert/strict";
import { isKubeletError } from "../errors.ts";
import { type TreeEntry, TreeIndex } from "../images/layout/tree_index.ts";
import { findProgram, type ProgramImage, type ProgramSearch } from "./program.ts";

const file = (path: string, wasm = true): TreeEntry => ({
  kind: "file",
  path,
  size: 8,
  digest: `sha256:${path}`,
  ...(wasm ? { wasm: true as const } : {}),
});
const folder = (path: string): TreeEntry => ({ kind: "folder", path });
const link = (path: string, target: string): TreeEntry => ({ kind: "link", path, target });

function imageOf(...entries: readonly TreeEntry[]): ProgramImage {
  return {
    image: "r.io/app:1",
    tree: { id: "t", path: "/trees/t/root", index: new TreeIndex(entries), readOnly: false },
  };
}

const IMAGE = imageOf(
  folder("bin"),
  file("bin/busybox"),
  link("bin/ls", "busybox"),
  link("sbin", "bin"),
  folder("srv"),
  file("srv/app.wasm"),
  file("root.wasm"),
  file("bin/script", false),
);

function find(search: Partial<ProgramSearch>, image = IMAGE): string {
  const { path } = findProgram(image, {
    name: undefined,
    path: undefined,
    workingDir: "/",
    ...search,
  });
  return path.replace("/trees/t/root", "");
}

const FOUND: readonly (readonly [name: string, search: Partial<ProgramSearch>, found: string])[] = [
  ["/srv/app.wasm", {}, "/srv/app.wasm"],
  ["/sbin/ls", {}, "/bin/busybox"],
  ["ls", {}, "/bin/busybox"],
  ["app.wasm", { workingDir: "/srv" }, "/srv/app.wasm"],
  ["./app.wasm", { workingDir: "/srv" }, "/srv/app.wasm"],
  ["../root.wasm", { workingDir: "/srv" }, "/root.wasm"],
  ["root.wasm", { workingDir: "/srv" }, "/root.wasm"],
  ["app.wasm", { path: "/none:/srv" }, "/srv/app.wasm"],
  ["app.wasm", { path: "srv" }, "/srv/app.wasm"],
  ["app.wasm", { path: ":/x", workingDir: "/srv" }, "/srv/app.wasm"],
];

for (const [name, search, found] of FOUND) {
  Deno.test(`findProgram() of ${name} with ${JSON.stringify(search)} is ${found}`, () => {
    assert.equal(find({ name, ...search }), found);
  });
}

Deno.test("findProgram() without a name takes the only module", () => {
  assert.equal(find({}, imageOf(file("app.wasm"), file("data", false))), "/app.wasm");
});

Deno.test("findProgram() takes the image's own module, whatever the name", () => {
  const { tree: _, ...image } = IMAGE;
  const module = { path: "/blobs/x", digest: "sha256:x" };
  const search = { name: "sh", path: undefined, workingDir: "/" };
  assert.deepEqual(findProgram({ ...image, module }, search), module);
});

const REFUSED: readonly (readonly [name: string | undefined, image: ProgramImage, RegExp])[] = [
  [
    "sh",
    IMAGE,
    /there is no program "sh"; its WebAssembly modules are "\/bin\/busybox", "\/srv\/app.wasm", "\/root.wasm"$/,
  ],
  ["/bin/script", IMAGE, /its file "\/bin\/script" is not WebAssembly; its WebAssembly modules/],
  ["/bin", IMAGE, /there is no program "\/bin"/],
  ["/bin/busybox/x", IMAGE, /there is no program/],
  [undefined, IMAGE, /no entrypoint, and the container no command; its WebAssembly modules are/],
  [undefined, imageOf(file("x", false)), /the image holds no WebAssembly module at all/],
  ["x", imageOf(...[1, 2, 3, 4, 5, 6, 7].map((i) => file(`${i}`))), /"\/5" and 2 more$/],
];

for (const [name, image, message] of REFUSED) {
  Deno.test(`findProgram() refuses ${name ?? "no name"}: ${message.source.slice(0, 40)}`, () => {
    assert.throws(() => find({ name }, image), (error) => {
      assert.ok(isKubeletError(error, "entrypoint"), String(error));
      assert.match(error.message, /^Cannot run image "r.io\/app:1": /);
      assert.match(error.message, message);
      return true;
    });
  });
}
