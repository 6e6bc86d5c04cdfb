import assert from "node:assert/strict";
import { ImageStore } from "../images.ts";
import { moduleOf, TestDir, TestRegistry } from "../oci/_test_registry.ts";
import { putSignature, type Said, Signer } from "./_signer.ts";
import { type ImagePolicy, readPolicy } from "./policy.ts";

const { signal } = new AbortController();

/** A registry with an image, and a store that takes it only with a signature. */
export class Room implements AsyncDisposable {
  readonly registry: TestRegistry;
  readonly dir = new TestDir();
  readonly signer = new Signer();
  readonly digest: string;
  readonly store: ImageStore;
  /** The policy's only one. */
  rule: Record<string, unknown>;

  static async open(): Promise<Room> {
    return new Room(await TestRegistry.start());
  }

  private constructor(registry: TestRegistry) {
    this.registry = registry;
    this.digest = registry.artifact("team/app", "v1", moduleOf(1_000));
    this.rule = { images: ["*"], action: "signed", keys: [this.signer.publicPem] };
    this.store = new ImageStore({
      dir: this.dir.path,
      registries: { insecure: [registry.host] },
      localModules: "refused",
      retryMs: 1,
      policy: () => this.#policy(),
    });
  }

  /** Signs the image as cosign does, but for what is given. */
  sign(
    more: { signer?: Signer; said?: Partial<Said>; as?: "tag" | "referrer" } = {},
  ): void {
    const { signer = this.signer, said = {}, ...rest } = more;
    const own = { digest: this.digest, name: `${this.registry.host}/team/app`, ...said };
    putSignature(this.registry, "team/app", { signer, of: this.digest, said: own, ...rest });
  }

  /** Whether it was pulled. Rejects as a container's start does. */
  async ensure(tag = "v1"): Promise<boolean> {
    const image = `${this.registry.host}/team/app:${tag}`;
    const request = { image, secrets: [], policy: "IfNotPresent" } as const;
    return (await this.store.ensure(request, { signal })).pulled;
  }

  #policy(): Promise<ImagePolicy> {
    return readPolicy({ default: "reject", rules: [this.rule] }, {
      readKey: () => assert.fail("there is no file"),
      fail: (state) => assert.fail(state),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
    await this.registry[Symbol.asyncDispose]();
    await this.dir[Symbol.asyncDispose]();
  }
}

/** How a start fails that the policy forbids. */
export function refusal(message: RegExp): object {
  return { code: "image_pull", reason: "SignatureValidationFailed", message };
}
