import assert from "node:assert/strict";
import { type Access, bytesSource, fileSource, OciClient, PullFailure } from "./mod.ts";
import { digestOf, MODULE, moduleOf, TestDir, TestRegistry } from "./_test_registry.ts";

const { signal } = new AbortController();
const CHUNK = 10_000;

function accessTo(registry: TestRegistry): Access {
  return { registry: registry.host, repository: "app", credential: undefined };
}

function open(registry: TestRegistry): OciClient {
  return new OciClient({ insecure: [registry.host], retryMs: 1 });
}

/** The methods that were used on uploads, in their order. */
function used(registry: TestRegistry): string {
  return registry.seen.filter(({ path }) => path.includes("/uploads/"))
    .map(({ method }) => method).join(" ");
}

Deno.test("OciClient.pushBlob() sends a small blob in one piece, and only once", async () => {
  await using registry = await TestRegistry.start();
  using client = open(registry);
  const source = bytesSource(MODULE);
  assert.equal(await client.pushBlob(accessTo(registry), source, { signal }), "sent");
  assert.equal(used(registry), "POST PUT");
  assert.deepEqual(registry.blobs.get(source.digest), MODULE);
  assert.equal(await client.pushBlob(accessTo(registry), source, { signal }), "present");
  assert.equal(used(registry), "POST PUT");
  const nothing = bytesSource(new Uint8Array());
  assert.equal(await client.pushBlob(accessTo(registry), nothing, { signal }), "sent");
});

Deno.test("OciClient.pushBlob() sends a large file in chunks, and tells how far it came", async () => {
  await using dir = new TestDir();
  await using registry = await TestRegistry.start();
  using client = open(registry);
  const module = moduleOf(CHUNK * 2 + 500);
  await Deno.writeFile(`${dir.path}/a.wasm`, module);
  const source = await fileSource(`${dir.path}/a.wasm`, { signal });
  assert.deepEqual([source.digest, source.size], [digestOf(module), module.length]);
  const told: number[] = [];
  await client.pushBlob(accessTo(registry), source, {
    signal,
    chunkBytes: CHUNK,
    onProgress: (bytes) => told.push(bytes),
  });
  assert.equal(used(registry), "POST PATCH PATCH PATCH PUT");
  assert.deepEqual(registry.blobs.get(source.digest), module);
  assert.deepEqual(told, [CHUNK, 2 * CHUNK, module.length, module.length]);
});

Deno.test("OciClient.pushBlob() makes its chunks as large as the registry demands", async () => {
  await using registry = await TestRegistry.start();
  registry.quirks = { chunkBytesMin: 2 * CHUNK };
  using client = open(registry);
  const module = moduleOf(3 * CHUNK);
  await client.pushBlob(accessTo(registry), bytesSource(module), { signal, chunkBytes: CHUNK });
  assert.equal(used(registry), "POST PATCH PATCH PUT");
});

Deno.test("OciClient.pushBlob() goes where the registry says, absolute or not, and keeps its query", async () => {
  for (const absolute of [false, true]) {
    await using registry = await TestRegistry.start();
    registry.quirks = absolute ? { location: (path) => `http://${registry.host}${path}` } : {};
    using client = open(registry);
    const module = moduleOf(2 * CHUNK);
    await client.pushBlob(accessTo(registry), bytesSource(module), { signal, chunkBytes: CHUNK });
    assert.deepEqual(registry.blobs.get(digestOf(module)), module);
  }
});

Deno.test("OciClient.pushBlob() goes on after a break with what the registry has", async () => {
  await using registry = await TestRegistry.start();
  using client = open(registry);
  const module = moduleOf(5 * CHUNK);
  let patches = 0;
  registry.fault = (request, response) => {
    if (request.method !== "PATCH") return false;
    patches++;
    // The second chunk is lost; the third arrives, and its answer does not. The runtime sends some of
    // them again by itself, and then the registry has them already.
    if (patches === 2) response.writeHead(502).end();
    if (patches === 4) response.writeHead = (): typeof response => response.destroy();
    return patches === 2;
  };
  await client.pushBlob(accessTo(registry), bytesSource(module), { signal, chunkBytes: CHUNK });
  assert.deepEqual(registry.blobs.get(digestOf(module)), module);
  assert.match(used(registry), /^POST PATCH PATCH GET PATCH PATCH (PATCH )?GET PATCH PATCH PUT$/);
});

Deno.test("OciClient.pushBlob() begins anew where the registry has forgotten the upload", async () => {
  await using registry = await TestRegistry.start();
  using client = open(registry);
  const module = moduleOf(3 * CHUNK);
  let forgotten = false;
  registry.fault = (request) => {
    if (
      request.method !== "PATCH" || forgotten ||
      registry.uploads.values().next().value?.length === 0
    ) {
      return false;
    }
    forgotten = true;
    registry.uploads.clear();
    return false;
  };
  await client.pushBlob(accessTo(registry), bytesSource(module), { signal, chunkBytes: CHUNK });
  assert.deepEqual(registry.blobs.get(digestOf(module)), module);
});

Deno.test("OciClient.pushBlob() sends one stream to a registry that knows no chunks", async () => {
  await using registry = await TestRegistry.start();
  registry.quirks = { noChunks: true };
  using client = open(registry);
  const module = moduleOf(3 * CHUNK);
  await client.pushBlob(accessTo(registry), bytesSource(module), { signal, chunkBytes: CHUNK });
  assert.deepEqual(registry.blobs.get(digestOf(module)), module);
  assert.equal(used(registry), "POST PATCH POST PATCH PUT");
});

Deno.test("OciClient.pushBlob() mounts from a neighbour, or sends where that is not possible", async () => {
  await using registry = await TestRegistry.start();
  registry.quirks = { mounts: true };
  using client = open(registry);
  const source = bytesSource(MODULE);
  registry.fault = (request, response) => {
    if (request.method !== "HEAD") return false;
    response.writeHead(404).end();
    return true;
  };
  const push = (): Promise<string> =>
    client.pushBlob(accessTo(registry), source, { signal, mountFrom: "base/app" });
  assert.equal(await push(), "sent");
  assert.equal(await push(), "mounted");
  const asked = registry.seen.filter(({ path }) => path.includes("?mount="));
  assert.deepEqual(
    asked.map(({ path }) => path),
    Array(2).fill(
      `/v2/app/blobs/uploads/?mount=${encodeURIComponent(source.digest)}&from=base%2Fapp`,
    ),
  );
});

Deno.test("OciClient.pushBlob() says why a registry did not take it", async () => {
  await using registry = await TestRegistry.start();
  using client = open(registry);
  const push = (source = bytesSource(MODULE)): Promise<string> =>
    client.pushBlob(accessTo(registry), source, { signal });
  await assert.rejects(
    push({ ...bytesSource(MODULE), digest: digestOf(moduleOf(9)) }),
    /DIGEST_INVALID/,
  );
  for (
    const [status, message] of [
      [401, /asks for credentials \(401\); give credentials/],
      [403, /forbids upload of blob .* without credentials \(403\)/],
      [404, /has no upload of .* \(404\); check the name, and that the repository may be made/],
      [405, /does not allow this \(405\)/],
      [413, /takes nothing as large as upload of blob/],
      [507, /is in trouble \(507\)/],
    ] as const
  ) {
    registry.fault = (request, response) => {
      if (request.method !== "POST") return false;
      response.writeHead(status).end();
      return true;
    };
    await assert.rejects(push(), (error: unknown) => {
      assert.ok(error instanceof PullFailure, String(error));
      assert.match(error.message, message);
      return true;
    });
  }
});

Deno.test("OciClient.pushBlob() sends nothing to another origin's permission, nor down to HTTP", async () => {
  await using elsewhere = await TestRegistry.start();
  await using registry = await TestRegistry.start({
    auth: { kind: "basic", user: "ann", password: "sesame" },
  });
  registry.quirks = { location: (path) => `http://${elsewhere.host}${path}` };
  elsewhere.fault = (_, response) => {
    response.writeHead(201).end();
    return true;
  };
  using client = open(registry);
  const credential = { username: "ann", password: "sesame", source: "a test" };
  await client.pushBlob({ ...accessTo(registry), credential }, bytesSource(MODULE), { signal });
  assert.deepEqual(elsewhere.seen.map(({ authorization }) => authorization), [undefined]);
});

Deno.test("OciClient.pushBlob() stops with its signal", async () => {
  await using registry = await TestRegistry.start();
  using client = open(registry);
  const stop = new AbortController();
  const reason = new Error("enough");
  registry.fault = (request) => {
    if (request.method !== "PATCH") return false;
    stop.abort(reason);
    return true;
  };
  const source = bytesSource(moduleOf(3 * CHUNK));
  const options = { signal: stop.signal, chunkBytes: CHUNK };
  await assert.rejects(client.pushBlob(accessTo(registry), source, options), reason);
});
