import assert from "node:assert/strict";
import { join } from "node:path";
import { MODULE, TestDir } from "../oci/_test_registry.ts";
import { TestLayout } from "./_test_layout.ts";
import { ImageLayout } from "./image_layout.ts";
import { type LayoutPlace, layoutPlace, openLayout } from "./layout_place.ts";

const { signal } = new AbortController();
const folder = "folder";
const archive = "archive";

const PLACES: readonly (readonly [image: string, place: LayoutPlace | undefined])[] = [
  ["oci:./app", { kind: folder, path: "./app" }],
  ["oci:../app:v1", { kind: folder, path: "../app", name: "v1" }],
  ["oci:/srv/app:v1", { kind: folder, path: "/srv/app", name: "v1" }],
  ["OCI:C:\\app:v1", { kind: folder, path: "C:\\app", name: "v1" }],
  ["oci-archive:./app.tar", { kind: archive, path: "./app.tar" }],
  [
    "oci-archive:/app.tar:docker.io/library/app:v1",
    { kind: archive, path: "/app.tar", name: "docker.io/library/app:v1" },
  ],
  // Names that a registry may have.
  ["oci:1.0", undefined],
  ["oci-archive:app.tar", undefined],
  ["oci/app", undefined],
  ["oci:./app:", undefined],
];

for (const [image, place] of PLACES) {
  Deno.test(`layoutPlace() reads "${image}"`, () => {
    assert.deepEqual(layoutPlace(image), place);
  });
}

Deno.test("openLayout() says what would be right for a folder, an archive, and nothing", async () => {
  await using dir = new TestDir();
  const made = new TestLayout();
  const [as, at] = [join(dir.path, "folder"), join(dir.path, "x.tar")];
  await made.writeFolder(as);
  await made.writeArchive(at);
  const open = (kind: LayoutPlace["kind"], path: string): Promise<unknown> =>
    openLayout({ kind, path }, signal);
  await open(folder, as);
  await open(archive, at);
  await assert.rejects(open(folder, at), {
    message: /is no folder; .*write oci-archive:\/.*x\.tar$/,
  });
  await assert.rejects(open(archive, as), { message: /is a folder; write oci:\/.*folder$/ });
  await assert.rejects(open(archive, join(dir.path, "none")), { message: /none" does not exist$/ });
});

/** What `find` makes of a layout with these names. */
async function find(
  names: readonly (string | undefined)[],
  name?: string,
): Promise<{ digest: string; digests: string[]; index: string }> {
  await using dir = new TestDir();
  const made = new TestLayout();
  const digests = names.map((_, i) => made.artifact(new Uint8Array([...MODULE, 0, i])));
  const refName = "org.opencontainers.image.ref.name";
  const index = made.index(...digests.map((digest, i) => {
    const name = names[i];
    return { digest, ...(name === undefined ? {} : { annotations: { [refName]: name } }) };
  }));
  const path = join(dir.path, "x.tar");
  await made.writeArchive(path);
  const layout = new ImageLayout(await openLayout({ kind: archive, path }, signal));
  return { ...await layout.find(name), digests, index };
}

Deno.test("ImageLayout.find() takes the image of a name, and the index where there are no names", async () => {
  const named = await find(["v1", "docker.io/library/app:v2"], "docker.io/library/app:v2");
  assert.equal(named.digest, named.digests[1]);
  const plain = await find([undefined, undefined]);
  assert.equal(plain.digest, plain.index);
  const one = await find(["v1"]);
  assert.equal(one.digest, one.index);
});

Deno.test("ImageLayout.find() asks for a name where there are several, and lists them", async () => {
  await assert.rejects(find(["v1", "v2"]), { message: /has several images: "v1", "v2"; name one/ });
  await assert.rejects(find(["v1"], "v2"), { message: /no image of the name "v2"; it has "v1"$/ });
  await assert.rejects(find([undefined], "v2"), { message: /it has no names$/ });
});

Deno.test("ImageLayout.find() knows one image under two names, and containerd's names", async () => {
  await using dir = new TestDir();
  const made = new TestLayout();
  const digest = made.artifact(MODULE);
  const name = (ref: string): object => ({
    "org.opencontainers.image.ref.name": ref,
    "io.containerd.image.name": `docker.io/library/app:${ref}`,
  });
  made.index(
    { digest, annotations: { ...name("v1") } },
    { digest, annotations: { ...name("v2") } },
  );
  const path = join(dir.path, "layout");
  await made.writeFolder(path);
  const layout = new ImageLayout(await openLayout({ kind: folder, path }, signal));
  assert.equal((await layout.find(undefined)).digest, digest);
  assert.equal((await layout.find("docker.io/library/app:v2")).digest, digest);
});

Deno.test("ImageLayout checks what it reads, and says where it is wrong", async () => {
  await using dir = new TestDir();
  const made = new TestLayout();
  const digest = made.artifact(MODULE);
  made.index({ digest });
  const name = `blobs/${digest.replace(":", "/")}`;
  made.files.set(name, new TextEncoder().encode("{}"));
  const path = join(dir.path, "x.tar");
  await made.writeArchive(path);
  const layout = new ImageLayout(await openLayout({ kind: archive, path }, signal));
  await assert.rejects(layout.manifest(digest), {
    message: /^digest mismatch: "blobs\/sha256\/.*" of ".*x\.tar" has digest sha256:44136fa355/,
  });
  await assert.rejects(layout.manifest(`sha256:${"0".repeat(64)}`), { message: /has no "blobs/ });
  await assert.rejects(layout.manifest("sha256:x"), { message: /is not a digest/ });
});
