/**
 * A registry and an image store that takes from it, for tests of images that are trees of files.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { isKubeletError, type KubeletError } from "../errors.ts";
import type { ModuleTerms } from "../provider.ts";
import { type ImageFolder, type ImageOnDisk, type ImageRequest, ImageStore } from "./images.ts";
import { layerOf, type RawEntry } from "./layout/_test_tar.ts";
import { names, TestDir, TestRegistry } from "./oci/_test_registry.ts";
import { OCI_MANIFEST } from "./oci/media_types.ts";

const { signal } = new AbortController();
export const OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
export const CNCF_CONFIG = "application/vnd.wasm.config.v0+json";
export const TAR_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip";
export const TITLE = "org.opencontainers.image.title";
const TAKES: ModuleTerms = {
  bytesMax: 1000,
  imports: ["wasi_snapshot_preview1"],
  components: false,
};

export const json = (body: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(body));

/** A registry on plain HTTP, and a store that takes from it. */
export class Fixture implements AsyncDisposable {
  readonly dir = new TestDir();
  readonly registry: TestRegistry;
  #store: ImageStore;

  static async open(): Promise<Fixture> {
    return new Fixture(await TestRegistry.start());
  }

  private constructor(registry: TestRegistry) {
    this.registry = registry;
    this.#store = this.#open();
  }

  #open(): ImageStore {
    return new ImageStore({
      dir: join(this.dir.path, "store"),
      registries: { insecure: [this.registry.host] },
      localModules: { baseDir: this.dir.path },
      takes: TAKES,
      retryMs: 1,
    });
  }

  /** As after a start of the agent. */
  async again(): Promise<void> {
    await this.#store.close();
    this.#store = this.#open();
  }

  /** Pushes a `FROM scratch` image of these layers; returns the manifest's digest. */
  image(name: string, config: object, ...layers: readonly (readonly RawEntry[])[]): string {
    const made = layers.map((entries) => layerOf(...entries));
    const rootfs = { type: "layers", diff_ids: made.map(({ diffId }) => diffId) };
    return this.registry.manifest(name, "v1", {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: this.registry.blob(
        json({ os: "wasip1", architecture: "wasm", rootfs, ...config }),
        OCI_CONFIG,
      ),
      layers: made.map(({ bytes }) => this.registry.blob(bytes, TAR_GZIP)),
    });
  }

  ensure(name: string, request: Partial<ImageRequest> = {}): Promise<ImageOnDisk> {
    const image = name.includes(":") ? name : `${this.registry.host}/${name}:v1`;
    return this.#store.ensure({ image, secrets: [], ...request }, { signal });
  }

  folder(name: string, request: Partial<ImageRequest> = {}): Promise<ImageFolder> {
    const image = name.includes(":") ? name : `${this.registry.host}/${name}:v1`;
    return this.#store.folder({ image, secrets: [], ...request }, { signal });
  }

  async fails(name: string): Promise<KubeletError> {
    const error = await this.ensure(name).then(() => assert.fail("it worked"), (error) => error);
    assert.ok(isKubeletError(error, "image_pull"), Deno.inspect(error));
    const left = names(join(this.dir.path, "store", "trees"));
    assert.deepEqual(left.filter((name) => name.startsWith(".")), []);
    return error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store.close();
    await this.registry[Symbol.asyncDispose]();
    await this.dir[Symbol.asyncDispose]();
  }
}
