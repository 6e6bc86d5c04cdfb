import assert from "node:assert/strict";
import { join } from "node:path";
import { isKubeletError, type KubeletError } from "../errors.ts";
import { decidePull, type ImageOnDisk, type ImageRequest, ImageStore } from "./images.ts";
import { ATTEMPTS_MAX } from "./limits.ts";
import { OCI_INDEX, OCI_MANIFEST } from "./oci/media_types.ts";
import {
  digestOf,
  makeCertificates,
  MODULE,
  moduleOf,
  names,
  TestDir,
  TestRegistry,
} from "./oci/_test_registry.ts";

const { signal } = new AbortController();

/** A registry on plain HTTP, a store that may use it, and a folder for its blobs. */
class Fixture implements AsyncDisposable {
  readonly dir = new TestDir();
  readonly registry: TestRegistry;
  readonly store: ImageStore;

  static async open(): Promise<Fixture> {
    return new Fixture(await TestRegistry.start());
  }

  private constructor(registry: TestRegistry) {
    this.registry = registry;
    this.store = this.again();
  }

  /** A store over the same folder, as after a start of the agent. */
  again(options: { insecure?: readonly string[] } = {}): ImageStore {
    return new ImageStore({
      dir: this.dir.path,
      registries: { insecure: options.insecure ?? [this.registry.host] },
      localModules: "refused",
      retryMs: 1,
    });
  }

  name(rest: string): string {
    return `${this.registry.host}/${rest}`;
  }

  ensure(rest: string, request: Partial<ImageRequest> = {}): Promise<ImageOnDisk> {
    return this.store.ensure({ image: this.name(rest), secrets: [], ...request }, { signal });
  }

  async fails(rest: string, request: Partial<ImageRequest> = {}): Promise<KubeletError> {
    const error = await this.ensure(rest, request).then(
      () => assert.fail("it worked"),
      (error: unknown) => error,
    );
    assert.ok(isKubeletError(error, "image_pull"), Deno.inspect(error));
    assert.ok(error.message.includes(this.name(rest)), error.message);
    assert.deepEqual(names(join(this.dir.path, "partial")), [], "something is left behind");
    return error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
    await this.registry[Symbol.asyncDispose]();
    await this.dir[Symbol.asyncDispose]();
  }
}

Deno.test("ImageStore.ensure() pulls a module and says all about it", async () => {
  await using fixture = await Fixture.open();
  const module = moduleOf(300_000);
  const digest = fixture.registry.artifact("team/app", "v1", module, "hello.wasm");
  let pulls = 0;
  const found = await fixture.store.ensure(
    { image: fixture.name("team/app:v1"), secrets: [] },
    { signal, onPull: () => pulls++ },
  );
  const { tookMs, pullMs, ...rest } = found;
  assert.ok(tookMs > 0 && pullMs > 0);
  assert.equal(pulls, 1);
  assert.deepEqual(rest, {
    image: fixture.name("team/app:v1"),
    imageId: `${fixture.name("team/app")}@${digest}`,
    module: {
      path: join(fixture.dir.path, "blobs", "sha256", digestOf(module).slice(7)),
      digest: digestOf(module),
    },
    moduleName: "hello.wasm",
    sizeBytes: 300_000,
    pulled: true,
    kind: "module",
  });
  assert.deepEqual(await Deno.readFile(found.module!.path), module);
});

Deno.test("ImageStore.ensure() takes the module of an index, and its image config", async () => {
  await using fixture = await Fixture.open();
  const { registry } = fixture;
  const config = { os: "wasip1", architecture: "wasm", config: { Cmd: ["/x", "y"], Env: ["A=b"] } };
  const inner = registry.manifest("app", "inner", {
    schemaVersion: 2,
    config: registry.blob(
      new TextEncoder().encode(JSON.stringify(config)),
      "application/vnd.oci.image.config.v1+json",
    ),
    layers: [registry.blob(MODULE, "application/wasm")],
  });
  const outer = registry.manifest("app", "v1", {
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: [{
      mediaType: OCI_MANIFEST,
      digest: inner,
      size: registry.manifests.get(`app ${inner}`)!.bytes.length,
      platform: { os: "wasip1", architecture: "wasm" },
    }],
  }, OCI_INDEX);
  const found = await fixture.ensure("app:v1");
  assert.equal(found.imageId, `${fixture.name("app")}@${outer}`);
  assert.deepEqual([found.entrypoint, found.cmd], [undefined, ["/x", "y"]]);
  assert.deepEqual(found.imageEnv, { A: "b" });
  assert.equal(found.moduleName, "app");
});

Deno.test("ImageStore.ensure() pulls by digest, and finds it again under that digest", async () => {
  await using fixture = await Fixture.open();
  const digest = fixture.registry.artifact("app", "v1", MODULE);
  const byBoth = await fixture.ensure(`app:v1@${digest}`);
  assert.equal(byBoth.image, fixture.name(`app:v1@${digest}`));
  assert.ok(fixture.registry.seen.every(({ path }) => !path.endsWith("/v1")));
  const again = await fixture.ensure(`app@${digest}`);
  assert.deepEqual([again.pulled, again.image], [false, fixture.name(`app@${digest}`)]);
});

Deno.test("decidePull() follows the policy", () => {
  assert.equal(decidePull("Always", true), "pull");
  assert.equal(decidePull("IfNotPresent", true), "use");
  assert.equal(decidePull("IfNotPresent", false), "pull");
  assert.equal(decidePull("Never", true), "use");
  assert.equal(decidePull("Never", false), "refuse");
});

Deno.test("ImageStore.ensure() uses what is present after a start, without a word to the registry", async () => {
  await using fixture = await Fixture.open();
  fixture.registry.artifact("app", "v1", MODULE);
  await fixture.ensure("app:v1");
  const { length } = fixture.registry.seen;
  for (const policy of ["IfNotPresent", "Never"] as const) {
    await using later = fixture.again();
    const options = { signal, onPull: () => assert.fail("it pulls") };
    const request = { image: fixture.name("app:v1"), policy, secrets: [] };
    const found = await later.ensure(request, options);
    assert.equal(found.pulled, false);
  }
  assert.equal(fixture.registry.seen.length, length);
});

Deno.test("ImageStore.ensure() with Never does not ask for what is not present", async () => {
  await using fixture = await Fixture.open();
  fixture.registry.artifact("app", "v1", MODULE);
  await assert.rejects(
    fixture.ensure("app:v1", { policy: "Never" }),
    (error) => isKubeletError(error, "image_never") && /imagePullPolicy Never/.test(error.message),
  );
  assert.equal(fixture.registry.seen.length, 0);
});

Deno.test("ImageStore.ensure() with Always asks by HEAD, and downloads only what is new", async () => {
  await using fixture = await Fixture.open();
  const { registry } = fixture;
  registry.artifact("app", "latest", MODULE);
  await fixture.ensure("app");
  registry.seen.length = 0;
  const same = await fixture.ensure("app");
  assert.equal(same.pulled, true);
  assert.deepEqual(registry.seen.map(({ method }) => method), ["HEAD"]);
  const newer = moduleOf(99);
  registry.artifact("app", "latest", newer);
  assert.equal((await fixture.ensure("app")).module!.digest, digestOf(newer));
  registry.manifests.clear();
  assert.match((await fixture.fails("app")).message, /has no manifest "latest" of "app" \(404\)/);
});

Deno.test("ImageStore.ensure() fetches a torn or changed module again", async () => {
  await using fixture = await Fixture.open();
  const module = moduleOf(5000);
  fixture.registry.artifact("app", "v1", module);
  const { path } = (await fixture.ensure("app:v1")).module!;
  await Deno.writeFile(path, module.subarray(0, 4000));
  assert.equal((await fixture.ensure("app:v1")).pulled, true);
  assert.deepEqual(await Deno.readFile(path), module);
  await Deno.writeFile(path, moduleOf(5000, 2));
  await using later = fixture.again();
  const request = { image: fixture.name("app:v1"), secrets: [] };
  assert.equal((await later.ensure(request, { signal })).pulled, true);
  assert.deepEqual(await Deno.readFile(path), module);
});

Deno.test("ImageStore.ensure() pulls again after a torn index", async () => {
  await using fixture = await Fixture.open();
  fixture.registry.artifact("app", "v1", MODULE);
  await fixture.ensure("app:v1");
  await Deno.truncate(join(fixture.dir.path, "references.json"), 40);
  await using later = fixture.again();
  const request = { image: fixture.name("app:v1"), secrets: [] };
  assert.equal((await later.ensure(request, { signal })).pulled, true);
});

Deno.test("ImageStore.ensure() downloads once for fifty callers, whoever leaves", async () => {
  await using fixture = await Fixture.open();
  const module = moduleOf(100_000);
  fixture.registry.artifact("app", "v1", module);
  const leaver = new AbortController();
  let pulls = 0;
  const request = { image: fixture.name("app:v1"), secrets: [] };
  const left = fixture.store.ensure(request, { signal: leaver.signal, onPull: () => pulls++ });
  const stayed = Array.from(
    { length: 50 },
    () => fixture.store.ensure(request, { signal, onPull: () => pulls++ }),
  );
  fixture.registry.fault = () => {
    leaver.abort(new Error("pod is gone"));
    return false;
  };
  await assert.rejects(left, /pod is gone/);
  for (const { pulled } of await Promise.all(stayed)) assert.equal(pulled, true);
  assert.equal(pulls, 51);
  assert.equal(fixture.registry.downloads(digestOf(module)).length, 1);
});

Deno.test("ImageStore.ensure() resumes a download that was cut, where it was cut", async () => {
  await using fixture = await Fixture.open();
  const module = moduleOf(200_000);
  const digest = digestOf(module);
  fixture.registry.artifact("app", "v1", module);
  let cuts = 0;
  fixture.registry.fault = (request, response) => {
    if (!request.url!.endsWith(digest) || cuts++ > 0) return false;
    response.writeHead(200, { "content-length": module.length });
    response.write(module.subarray(0, 70_000), () => request.socket.resetAndDestroy());
    return true;
  };
  const found = await fixture.ensure("app:v1");
  assert.deepEqual(await Deno.readFile(found.module!.path), module);
  const [first, second, ...rest] = fixture.registry.downloads(digest);
  assert.equal(rest.length, 0);
  assert.equal(first?.range, undefined);
  // A reset may overtake bytes that are under way, so where it resumes is not known beforehand.
  if (second?.range !== undefined) assert.match(second.range, /^bytes=[1-7]\d*-$/);
});

Deno.test("ImageStore.ensure() begins again where a registry knows no ranges", async () => {
  await using fixture = await Fixture.open();
  const module = moduleOf(200_000);
  const digest = digestOf(module);
  fixture.registry.artifact("app", "v1", module);
  let tries = 0;
  fixture.registry.fault = (request, response) => {
    if (!request.url!.endsWith(digest)) return false;
    // Short by its own count: all that was sent arrives, so the second try asks for a range.
    const part = tries++ === 0 ? module.subarray(0, 70_000) : module;
    response.writeHead(200, { "content-length": part.length }).end(part);
    return true;
  };
  const found = await fixture.ensure("app:v1");
  assert.deepEqual(await Deno.readFile(found.module!.path), module);
  assert.deepEqual(fixture.registry.downloads(digest).map(({ range }) => range), [
    undefined,
    "bytes=70000-",
  ]);
});

Deno.test("ImageStore.ensure() gives up on a blob that stays truncated", async () => {
  await using fixture = await Fixture.open();
  const module = moduleOf(1000);
  const digest = digestOf(module);
  fixture.registry.artifact("app", "v1", module);
  fixture.registry.blobs.set(digest, module.subarray(0, 600));
  assert.match((await fixture.fails("app:v1")).message, /600 of 1000 bytes: the rest is missing/);
  const { length } = fixture.registry.downloads(digest);
  assert.ok(length >= ATTEMPTS_MAX && length <= 2 * ATTEMPTS_MAX, `${length} downloads`);
});

Deno.test("ImageStore.ensure() refuses a blob that is not what its digest says", async () => {
  await using fixture = await Fixture.open();
  const module = moduleOf(1000);
  fixture.registry.artifact("app", "v1", module);
  fixture.registry.blobs.set(digestOf(module), moduleOf(1000, 2));
  assert.match(
    (await fixture.fails("app:v1")).message,
    /digest mismatch: registry ".*" sent content/,
  );
  fixture.registry.blobs.set(digestOf(module), moduleOf(2000));
  assert.match((await fixture.fails("app:v1")).message, /more than the 1000 bytes/);
  assert.equal(names(join(fixture.dir.path, "blobs", "sha256")).length, 1, "only the manifest");
});

Deno.test("ImageStore.ensure() refuses a manifest that is not what was asked for", async () => {
  await using fixture = await Fixture.open();
  const digest = fixture.registry.artifact("app", "v1", MODULE);
  fixture.registry.artifact("app", "v2", moduleOf(9));
  const other = fixture.registry.manifests.get("app v2")!;
  fixture.registry.manifests.set(`app ${digest}`, other);
  assert.match((await fixture.fails(`app@${digest}`)).message, /digest mismatch: .* manifest/);
});

Deno.test("ImageStore.ensure() says once and for all that a container image cannot run", async () => {
  await using fixture = await Fixture.open();
  fixture.registry.containerImage("nginx", "1", { os: "linux", architecture: "amd64" });
  const error = await fixture.fails("nginx:1");
  assert.equal(error.reason, "UnsupportedImage");
  assert.match(
    error.message,
    /^Cannot run image ".*\/nginx:1": it is a Linux container image \(linux\/amd64\): this node runs WebAssembly only/,
  );
  fixture.registry.containerImage("wasi", "1", { os: "wasip1", architecture: "wasm" });
  assert.match(
    (await fixture.fails("wasi:1")).message,
    /names 0 digests of unpacked layers for 1 layers, so that they cannot be checked/,
  );
});

Deno.test("ImageStore.ensure() refuses a layer that only says that it is a module", async () => {
  await using fixture = await Fixture.open();
  fixture.registry.artifact("app", "v1", new TextEncoder().encode("\x7fELF\x02\x01\x01\0native"));
  assert.match(
    (await fixture.fails("app:v1")).message,
    /not a WebAssembly module: .*native code \(ELF\)/,
  );
});

Deno.test("ImageStore.ensure() tries again on 429 and 5xx, and then says so", async () => {
  await using fixture = await Fixture.open();
  fixture.registry.artifact("app", "v1", MODULE);
  const failing = [429, 503, 500];
  fixture.registry.fault = (_, response) => {
    const status = failing.shift();
    if (status !== undefined) response.writeHead(status, { "retry-after": "0" }).end();
    return status !== undefined;
  };
  assert.equal((await fixture.ensure("app:v1")).pulled, true);
  fixture.registry.seen.length = 0;
  fixture.registry.fault = (_, response) => {
    response.writeHead(429, { "retry-after": "3600" });
    response.end(JSON.stringify({ errors: [{ code: "TOOMANYREQUESTS", message: "slow\ndown" }] }));
    return true;
  };
  const { message } = await fixture.fails("app:v2");
  assert.match(
    message,
    /allows no more requests for now \(429\): it says "TOOMANYREQUESTS: slow down"/,
  );
  assert.equal(fixture.registry.seen.length, 1, "an hour is not waited for");
});

Deno.test("ImageStore.ensure() survives a reset before the answer", async () => {
  await using fixture = await Fixture.open();
  fixture.registry.artifact("app", "v1", MODULE);
  let resets = 2;
  fixture.registry.fault = (request) => {
    if (resets-- <= 0) return false;
    request.socket.resetAndDestroy();
    return true;
  };
  assert.equal((await fixture.ensure("app:v1")).pulled, true);
});

Deno.test("ImageStore.ensure() names the image, the registry and what to do", async () => {
  await using fixture = await Fixture.open();
  const { registry } = fixture;
  registry.artifact("big", "v1", MODULE);
  registry.manifests.set("big v2", { bytes: new Uint8Array(5 << 20), type: OCI_MANIFEST });
  registry.manifests.set("html v1", {
    bytes: new TextEncoder().encode("<html>"),
    type: "text/html",
  });
  assert.match((await fixture.fails("none:v1")).message, /check the name and the tag/);
  assert.match((await fixture.fails("big:v2")).message, /sent more than 4194304 bytes/);
  assert.match((await fixture.fails("html:v1")).message, /sent a web page instead/);
  registry.fault = (_, response) => {
    response.writeHead(403).end();
    return true;
  };
  assert.match(
    (await fixture.fails("big:v1")).message,
    /forbids manifest "v1" of "big" without cred/,
  );
  await using strict = fixture.again({ insecure: [] });
  const request = { image: fixture.name("big:v1"), secrets: [] };
  await assert.rejects(strict.ensure(request, { signal }), /--insecure-registries 127/);
  const bad = { image: "Not A Name", secrets: [] };
  await assert.rejects(strict.ensure(bad, { signal }), (e) => isKubeletError(e, "image_name"));
});

Deno.test("ImageStore.ensure() says when its folder cannot be used", async () => {
  await using dir = new TestDir();
  await using registry = await TestRegistry.start();
  registry.artifact("app", "v1", MODULE);
  const path = join(dir.path, "file");
  await Deno.writeTextFile(path, "in the way");
  const registries = { insecure: [registry.host] };
  await using store = new ImageStore({ dir: path, registries, localModules: "refused" });
  const pulling = store.ensure({ image: `${registry.host}/app:v1`, secrets: [] }, { signal });
  await assert.rejects(
    pulling,
    (error) => isKubeletError(error, "image_pull") && error.message.includes(`"${path}" cannot be`),
  );
});

Deno.test("ImageStore.ensure() stops when its signal is aborted, and leaves nothing", async () => {
  await using fixture = await Fixture.open();
  const module = moduleOf(100_000);
  fixture.registry.artifact("app", "v1", module);
  const stop = new AbortController();
  const reason = new Error("pod is gone");
  fixture.registry.fault = (request, response) => {
    if (!request.url!.includes(digestOf(module))) return false;
    response.writeHead(200, { "content-length": module.length });
    response.write(module.subarray(0, 50_000), () => stop.abort(reason));
    return true;
  };
  const request = { image: fixture.name("app:v1"), secrets: [] };
  await assert.rejects(fixture.store.ensure(request, { signal: stop.signal }), reason);
  await fixture.store.close();
  assert.deepEqual(names(join(fixture.dir.path, "partial")), []);
});

Deno.test("ImageStore.ensure() works over HTTPS with a certificate that is trusted", async () => {
  const certificates = makeCertificates();
  await using registry = await TestRegistry.start({ tls: certificates });
  await using dir = new TestDir();
  registry.artifact("app", "v1", MODULE);
  const client = Deno.createHttpClient({ caCerts: [certificates.ca] });
  await using store = new ImageStore({
    dir: dir.path,
    registries: { insecure: [] },
    localModules: "refused",
    fetch: (url, init) => fetch(url, { ...init, client }),
  });
  const found = await store.ensure({ image: `${registry.host}/app:v1`, secrets: [] }, { signal });
  assert.equal(found.module!.digest, digestOf(MODULE));
  client.close();
});

Deno.test("ImageStore.ensure() takes local files only if allowed, and as they are now", async () => {
  await using dir = new TestDir();
  const path = join(dir.path, "app.wasm");
  await Deno.writeFile(path, MODULE);
  const open = (localModules: "refused" | "allowed"): ImageStore =>
    new ImageStore({ dir: join(dir.path, "s"), registries: { insecure: [] }, localModules });
  const request = { image: `file:${path}`, policy: "Never", secrets: [] } as const;
  await using closed = open("refused");
  await assert.rejects(
    closed.ensure(request, { signal }),
    (error) =>
      isKubeletError(error, "image_pull") && /--x-allow-local-modules true/.test(error.message),
  );
  await using store = open("allowed");
  const first = await store.ensure(request, { signal });
  assert.deepEqual(
    [first.image, first.imageId, first.moduleName, first.pulled, first.kind],
    [`file:${path}`, digestOf(MODULE), "app.wasm", false, "module"],
  );
  await Deno.writeFile(path, moduleOf(20));
  const second = await store.ensure(request, { signal });
  assert.equal(second.imageId, digestOf(moduleOf(20)));
  assert.deepEqual(
    await Deno.readFile(first.module!.path),
    MODULE,
    "a running pod keeps its module",
  );
});
