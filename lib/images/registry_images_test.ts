import assert from "node:assert/strict";
import type { Secret } from "../api/types.ts";
import { messageOf } from "../errors.ts";
import { Keyring } from "./credentials/keyring.ts";
import { type ImageOnDisk, ImageStore, type ImageStoreOptions, type PullPolicy } from "./images.ts";
import { moduleOf, TestDir, TestRegistry } from "./oci/_test_registry.ts";

const { signal } = new AbortController();

/** A registry that asks for a password, and one store after the other in the same folder. */
class Room implements AsyncDisposable {
  readonly registry: TestRegistry;
  readonly dir = new TestDir();
  store: ImageStore;

  static async open(options: Partial<ImageStoreOptions> = {}, isPublic = false): Promise<Room> {
    const auth = { kind: "basic", user: "u", password: "right" } as const;
    const registry = await TestRegistry.start(isPublic ? {} : { auth });
    registry.artifact("team/app", "v1", moduleOf(1_000));
    return new Room(registry, options);
  }

  private constructor(registry: TestRegistry, options: Partial<ImageStoreOptions>) {
    this.registry = registry;
    this.store = this.#make(options);
  }

  get image(): string {
    return `${this.registry.host}/team/app:v1`;
  }

  secret(password: string, { uid = "1", namespace = "a" } = {}): Secret {
    const auths = { [this.registry.host]: { username: "u", password } };
    return {
      metadata: { name: "pull", namespace, uid },
      stringData: { ".dockerconfigjson": JSON.stringify({ auths }) },
    };
  }

  async ensure(
    secrets: readonly Secret[],
    policy: PullPolicy = "IfNotPresent",
  ): Promise<ImageOnDisk> {
    return await this.store.ensure({ image: this.image, secrets, policy }, { signal });
  }

  /** Requests that the registry has seen since the last time. */
  asked(): number {
    return this.registry.seen.splice(0).length;
  }

  async restart(options: Partial<ImageStoreOptions> = {}): Promise<void> {
    await this.store.close();
    this.store = this.#make(options);
  }

  #make(options: Partial<ImageStoreOptions>): ImageStore {
    return new ImageStore({
      dir: this.dir.path,
      registries: { insecure: [this.registry.host] },
      localModules: "refused",
      retryMs: 1,
      ...options,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
    await this.registry[Symbol.asyncDispose]();
    await this.dir[Symbol.asyncDispose]();
  }
}

Deno.test("ImageStore gives an image that one pod has pulled to nobody without the same right", async () => {
  await using room = await Room.open();
  const right = room.secret("right");
  assert.equal((await room.ensure([right])).pulled, true);
  room.asked();
  for (const start of [() => Promise.resolve(), () => room.restart()]) {
    await start();
    assert.equal((await room.ensure([right])).pulled, false);
    assert.equal((await room.ensure([room.secret("right", { uid: "2" })])).pulled, false);
    assert.equal((await room.ensure([room.secret("new", { uid: "1" })])).pulled, false);
    assert.equal(room.asked(), 0);
    await assert.rejects(room.ensure([]), { code: "image_pull" });
    await assert.rejects(room.ensure([room.secret("wrong", { uid: "3" })]), { code: "image_pull" });
    assert.ok(room.asked() > 0);
    await assert.rejects(room.ensure([], "Never"), {
      code: "image_never",
      message: /it is not on this node/,
    });
    assert.equal((await room.ensure([right], "Never")).pulled, false);
  }
});

Deno.test("ImageStore asks the registry for a pod that shows another right, and remembers it", async () => {
  await using room = await Room.open();
  await room.ensure([room.secret("right")]);
  const accepted = room.registry;
  room.asked();
  // Another credential that this registry takes as well.
  accepted.fault = (request) => {
    const given = request.headers.authorization ?? "";
    if (given !== `Basic ${btoa("u:other")}`) return false;
    request.headers.authorization = `Basic ${btoa("u:right")}`;
    return false;
  };
  const other = room.secret("other", { uid: "9", namespace: "b" });
  assert.equal((await room.ensure([other])).pulled, true);
  const bytes = room.registry.seen.filter(({ path }) => path.includes("/blobs/"));
  assert.deepEqual(bytes, []);
  room.asked();
  assert.equal((await room.ensure([other])).pulled, false);
  assert.equal(room.asked(), 0);
});

Deno.test("ImageStore gives everybody an image that was pulled without credentials", async () => {
  await using room = await Room.open({}, true);
  await room.ensure([]);
  room.asked();
  assert.equal((await room.ensure([room.secret("any")])).pulled, false);
  assert.equal((await room.ensure([])).pulled, false);
  assert.equal(room.asked(), 0);
});

Deno.test("ImageStore gives everybody an image that this node has not pulled itself", async () => {
  await using room = await Room.open();
  await room.ensure([room.secret("right")]);
  const path = `${room.dir.path}/references.json`;
  const index = JSON.parse(await Deno.readTextFile(path));
  await Deno.writeTextFile(path, JSON.stringify({ version: 1, images: index.images }));
  await room.restart();
  assert.equal((await room.ensure([])).pulled, false);
  await room.restart({ verification: { policy: "AlwaysVerify", allowlist: [] } });
  await assert.rejects(room.ensure([]), { code: "image_pull" });
});

Deno.test("ImageStore asks for no right by NeverVerify", async () => {
  await using room = await Room.open({ verification: { policy: "NeverVerify", allowlist: [] } });
  await room.ensure([room.secret("right")]);
  assert.equal((await room.ensure([])).pulled, false);
});

Deno.test("ImageStore pulls with the node's own credentials, and everybody may have the image", async () => {
  await using home = new TestDir();
  const file = `${home.path}/config.json`;
  await using room = await Room.open({ keyring: new Keyring({ dockerConfigFiles: [file] }) });
  await assert.rejects(room.ensure([]), { code: "image_pull" });
  const auths = { [room.registry.host]: { username: "u", password: "right" } };
  await Deno.writeTextFile(file, JSON.stringify({ auths }));
  assert.equal((await room.ensure([room.secret("wrong")])).pulled, true);
  await Deno.remove(file);
  assert.equal((await room.ensure([])).pulled, false);
});

Deno.test("ImageStore tells which source of credentials has failed when the pull is denied", async () => {
  await using home = new TestDir();
  const file = `${home.path}/config.json`;
  await Deno.writeTextFile(file, "hunter2");
  await using room = await Room.open({ keyring: new Keyring({ dockerConfigFiles: [file] }) });
  await assert.rejects(room.ensure([]), (error: Error) => {
    assert.match(messageOf(error), /401|credentials/i);
    assert.match(messageOf(error), /config\.json" cannot be read: it is not JSON/);
    assert.doesNotMatch(Deno.inspect(error), /hunter2/);
    return true;
  });
});

Deno.test("ImageStore lets no more pulls go on at once than it may", async () => {
  await using room = await Room.open({ pulls: { parallelMax: 2 } }, true);
  let [now, most] = [0, 0];
  for (let i = 0; i < 6; i++) room.registry.artifact(`app${i}`, "v1", moduleOf(1_000 + i));
  room.registry.fault = (request, response) => {
    if (!request.url!.includes("/blobs/") || !request.url!.includes("sha256")) return false;
    most = Math.max(most, ++now);
    response.on("close", () => now--);
    return false;
  };
  const pulls = Array.from(
    { length: 6 },
    (_, i) =>
      room.store.ensure({ image: `${room.registry.host}/app${i}:v1`, secrets: [] }, { signal }),
  );
  const found = await Promise.all(pulls);
  assert.ok(most <= 2, `${most} at once`);
  assert.ok(found.every(({ pullMs, tookMs }) => pullMs > 0 && pullMs <= tookMs));
});

Deno.test("ImageStore downloads nothing again that came while it looked for credentials", async () => {
  const first = Promise.withResolvers<void>();
  class SlowForTheSecond extends Keyring {
    override async find(...args: Parameters<Keyring["find"]>): ReturnType<Keyring["find"]> {
      if (args[1].pod !== undefined) await first.promise;
      return await super.find(...args);
    }
  }
  await using room = await Room.open({ keyring: new SlowForTheSecond() }, true);
  const pod = { namespace: "a", name: "late", uid: "1", serviceAccount: "" };
  const late = room.store.ensure({ image: room.image, secrets: [], pod }, { signal });
  await room.ensure([]);
  const downloads = room.registry.seen.splice(0);
  assert.ok(downloads.some(({ path }) => path.includes("/blobs/")));
  first.resolve();
  assert.equal((await late).pulled, true);
  assert.deepEqual(room.registry.seen.map(({ method }) => method), ["HEAD"]);
});
