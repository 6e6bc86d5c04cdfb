import assert from "node:assert/strict";
import { join } from "node:path";
import type { Secret } from "../api/types.ts";
import { type ImageFolder, type ImageOnDisk, ImageStore } from "./images.ts";
import { entry, layerOf } from "./layout/_test_tar.ts";
import { digestOf, moduleOf, type Seen, TestDir, TestRegistry } from "./oci/_test_registry.ts";
import { OCI_MANIFEST } from "./oci/media_types.ts";

const { signal } = new AbortController();
const MODULE = moduleOf(900);
const MODULE_TYPE = "application/vnd.wasm.content.layer.v1+wasm";
const TAR_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip";
const CONFIG_TYPE = "application/vnd.oci.image.config.v1+json";

/** A registry whose repositories under `team/` are for those with the password, and a store. */
class Room implements AsyncDisposable {
  readonly dir = new TestDir();
  readonly registry: TestRegistry;
  /** Somebody else's, who says yes to every `HEAD`. */
  readonly liar: TestRegistry;
  store: ImageStore;

  static async open(): Promise<Room> {
    return new Room(await TestRegistry.start(), await TestRegistry.start());
  }

  private constructor(registry: TestRegistry, liar: TestRegistry) {
    [this.registry, this.liar] = [registry, liar];
    registry.fault = (request, response) => {
      const url = request.url!;
      const repository = url.startsWith("/v2/team/") ? "team" : "other";
      if (repository === "team") {
        if (request.headers.authorization === `Basic ${btoa("u:right")}`) return false;
        response.writeHead(401, { "www-authenticate": `Basic realm="test"` }).end();
        return true;
      }
      if (!this.hidden.some((digest) => url.endsWith(`/blobs/${digest}`))) return false;
      response.writeHead(404).end();
      return true;
    };
    liar.fault = (request, response) => {
      if (request.method !== "HEAD" || !request.url!.includes("/blobs/")) return false;
      response.writeHead(200).end();
      return true;
    };
    this.store = this.#open();
  }

  /** Blobs that only the repositories under `team/` have. */
  hidden: readonly string[] = [];

  #open(): ImageStore {
    return new ImageStore({
      dir: this.dir.path,
      registries: { insecure: [this.registry.host, this.liar.host] },
      localModules: "refused",
      retryMs: 1,
    });
  }

  async restart(): Promise<void> {
    await this.store.close();
    this.store = this.#open();
  }

  secrets(): Secret[] {
    const auths = { [this.registry.host]: { username: "u", password: "right" } };
    const stringData = { ".dockerconfigjson": JSON.stringify({ auths }) };
    return [{ metadata: { name: "pull", namespace: "a", uid: "1" }, stringData }];
  }

  ensure(name: string, secrets: readonly Secret[] = []): Promise<ImageOnDisk> {
    return this.store.ensure({ image: `${this.registry.host}/${name}:v1`, secrets }, { signal });
  }

  folder(name: string, host = this.registry.host): Promise<ImageFolder> {
    return this.store.folder({ image: `${host}/${name}:v1`, secrets: [] }, { signal });
  }

  /** An artifact that names a blob which its registry need not have. */
  naming(registry: TestRegistry, name: string, digest: string, size: number): void {
    registry.manifest(name, "v1", {
      schemaVersion: 2,
      config: registry.blob(new TextEncoder().encode("{}"), "application/vnd.oci.empty.v1+json"),
      layers: [{ mediaType: MODULE_TYPE, digest, size }],
    });
  }

  /** An image of one layer, whose config names `diffId`. */
  layered(name: string, layer: Uint8Array, diffId: string): void {
    const rootfs = { type: "layers", diff_ids: [diffId] };
    const config = { os: "wasip1", architecture: "wasm", rootfs };
    const { registry } = this;
    registry.manifest(name, "v1", {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: registry.blob(new TextEncoder().encode(JSON.stringify(config)), CONFIG_TYPE),
      layers: [registry.blob(layer, TAR_GZIP)],
    });
  }

  asked(digest: string): string[] {
    return this.registry.downloads(digest).map(({ method }: Seen) => method);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
    await this.registry[Symbol.asyncDispose]();
    await this.liar[Symbol.asyncDispose]();
    await this.dir[Symbol.asyncDispose]();
  }
}

Deno.test("Puller gives a blob of a private image to no manifest of another repository", async () => {
  await using room = await Room.open();
  room.registry.artifact("team/app", "v1", MODULE);
  const digest = digestOf(MODULE);
  room.hidden = [digest];
  await room.ensure("team/app", room.secrets());
  room.naming(room.registry, "thief", digest, MODULE.length);
  room.naming(room.liar, "thief", digest, MODULE.length);
  const restart = (): Promise<void> => room.restart();
  for (const start of [(): Promise<void> => Promise.resolve(), restart]) {
    await start();
    await assert.rejects(room.folder("thief"), { code: "image_pull", message: /404/ });
    await assert.rejects(room.folder("thief", room.liar.host), { code: "image_pull" });
    await assert.rejects(room.ensure("thief"), { code: "image_pull", message: /404/ });
  }
});

Deno.test("Puller gives a tree of a private image to no config that names its content", async () => {
  await using room = await Room.open();
  const { bytes, diffId } = layerOf(entry.file("app.wasm", MODULE), entry.file("secret", "s3"));
  room.layered("team/tree", bytes, diffId);
  await room.ensure("team/tree", room.secrets());
  room.hidden = [digestOf(bytes)];
  const own = layerOf(entry.file("app.wasm", MODULE));
  room.layered("thief", own.bytes, diffId);
  room.layered("bold", bytes, diffId);
  for (let starts = 0; starts < 2; starts++) {
    await assert.rejects(room.folder("thief"), { message: /digest mismatch: a layer unpacks to/ });
    await assert.rejects(room.folder("bold"), { message: /404/ });
    await room.restart();
  }
});

Deno.test("Puller asks by one HEAD for what another repository of the registry has brought", async () => {
  await using room = await Room.open();
  const { bytes, diffId } = layerOf(entry.file("app.wasm", MODULE));
  room.layered("a", bytes, diffId);
  room.layered("b", bytes, diffId);
  const digest = digestOf(bytes);
  const first = await room.ensure("a");
  const second = await room.ensure("b");
  assert.equal(second.tree?.path, first.tree?.path);
  assert.deepEqual(await Deno.readFile(join(second.tree!.path, "app.wasm")), MODULE);
  assert.deepEqual(room.asked(digest), ["GET", "HEAD"]);
  room.registry.manifests.set("b v2", room.registry.manifests.get("b v1")!);
  await room.restart();
  const image = `${room.registry.host}/b:v2`;
  await room.store.ensure({ image, secrets: [] }, { signal });
  assert.deepEqual(room.asked(digest), ["GET", "HEAD"], "its own repository has brought it");
});

Deno.test("Puller downloads again where a registry answers no HEAD for a blob", async () => {
  for (const status of [404, 405, 503]) {
    await using room = await Room.open();
    room.registry.artifact("a", "v1", MODULE);
    room.registry.artifact("b", "v1", MODULE);
    room.registry.fault = (request, response) => {
      if (request.method !== "HEAD" || !request.url!.includes("/blobs/")) return false;
      response.writeHead(status).end();
      return true;
    };
    await room.ensure("a");
    await room.ensure("b");
    assert.deepEqual(room.asked(digestOf(MODULE)), ["GET", "HEAD", "GET"]);
  }
});

Deno.test("Puller goes on with the blobs of a pull that failed", async () => {
  await using room = await Room.open();
  const layers = [layerOf(entry.file("app.wasm", MODULE)), layerOf(entry.file("more"))];
  const diffIds = layers.map(({ diffId }) => diffId);
  const config = { os: "wasip1", architecture: "wasm", rootfs: { diff_ids: diffIds } };
  const { registry } = room;
  registry.manifest("app", "v1", {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: registry.blob(new TextEncoder().encode(JSON.stringify(config)), CONFIG_TYPE),
    layers: layers.map(({ bytes }) => registry.blob(bytes, TAR_GZIP)),
  });
  const [came, late] = layers.map(({ bytes }) => digestOf(bytes));
  room.hidden = [late!];
  await assert.rejects(room.ensure("app"), { message: /404/ });
  room.hidden = [];
  await room.ensure("app");
  assert.deepEqual(room.asked(came!), ["GET"]);
});
