import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { PART_BYTES } from "./limits.ts";
import { type Access, OciClient, type Sink } from "./mod.ts";
import { digestOf, moduleOf, type Seen, TestRegistry } from "./_test_registry.ts";

const { signal } = new AbortController();

/** Keeps what it is given, as a disk would. */
class MemorySink implements Sink {
  #bytes = new Uint8Array(64 * 1024 * 1024);
  size = 0;
  restarts = 0;

  write(bytes: Uint8Array): Promise<void> {
    this.#bytes.set(bytes, this.size);
    this.size += bytes.length;
    return Promise.resolve();
  }

  restart(): Promise<void> {
    this.size = 0;
    this.restarts++;
    return Promise.resolve();
  }

  digest(): string {
    return digestOf(this.#bytes.subarray(0, this.size));
  }
}

function accessTo(registry: TestRegistry): Access {
  return { registry: registry.host, repository: "app", credential: undefined };
}

function open(registry: TestRegistry): OciClient {
  return new OciClient({ insecure: [registry.host], retryMs: 1 });
}

async function download(registry: TestRegistry, module: Uint8Array): Promise<MemorySink> {
  const sink = new MemorySink();
  const blob = { digest: digestOf(module), size: module.length };
  using client = open(registry);
  await client.download(accessTo(registry), blob, { sink, signal });
  return sink;
}

/** Makes the first answer for a blob so slow that parts are asked for; `false` once it was used. */
function slowly(
  module: Uint8Array,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  let used = false;
  return (request, response) => {
    if (used || !request.url!.includes("/blobs/")) return false;
    used = true;
    response.writeHead(200, { "content-length": module.length });
    let at = 0;
    const timer = setInterval(() => {
      // 10 MB/s: slow for one connection. Once that is known, no more patience is needed.
      response.write(module.subarray(at, at += at < PART_BYTES ? 200_000 : PART_BYTES));
      if (at < module.length) return;
      clearInterval(timer);
      response.end();
    }, 20);
    response.on("close", () => clearInterval(timer));
    return true;
  };
}

function ranges(seen: readonly Seen[]): (string | undefined)[] {
  return seen.map(({ range }) => range);
}

Deno.test("OciClient.download() brings a fast blob in one request", async () => {
  await using registry = await TestRegistry.start();
  const module = moduleOf(3 * PART_BYTES);
  registry.blob(module, "x");
  const sink = await download(registry, module);
  assert.equal(sink.digest(), digestOf(module));
  assert.deepEqual(ranges(registry.seen), [undefined]);
});

Deno.test("OciClient.download() brings the rest of a slow blob in parts, in order", async () => {
  await using registry = await TestRegistry.start();
  const module = moduleOf(6 * PART_BYTES + 77);
  registry.blob(module, "x");
  registry.fault = slowly(module);
  const sink = await download(registry, module);
  assert.equal(sink.digest(), digestOf(module));
  const [first, ...parts] = ranges(registry.seen);
  assert.equal(first, undefined);
  assert.ok(parts.length >= 4, "several parts");
  const bounds = parts.map((range) => /^bytes=(\d+)-(\d+)$/.exec(range!)!.slice(1).map(Number));
  bounds.forEach(([from, to], i) => {
    assert.equal(to! + 1, bounds[i + 1]?.[0] ?? module.length, "parts meet");
    assert.ok(to! - from! < PART_BYTES);
  });
});

Deno.test("OciClient.download() goes on with one stream where parts are not to be had", async () => {
  await using registry = await TestRegistry.start();
  const module = moduleOf(4 * PART_BYTES);
  registry.blob(module, "x");
  const slow = slowly(module);
  registry.fault = (request, response) => {
    delete request.headers.range;
    return slow(request, response);
  };
  const sink = await download(registry, module);
  assert.deepEqual([sink.digest(), sink.restarts], [digestOf(module), 0]);
});

Deno.test("OciClient.download() asks again for a part that broke, from where it stands", async () => {
  await using registry = await TestRegistry.start();
  const module = moduleOf(6 * PART_BYTES);
  registry.blob(module, "x");
  const slow = slowly(module);
  let broken = 0;
  registry.fault = (request, response) => {
    if (request.headers.range?.endsWith(`-${module.length - 1}`) && broken++ === 0) {
      response.writeHead(500).end();
      return true;
    }
    return slow(request, response);
  };
  const sink = await download(registry, module);
  assert.deepEqual([sink.digest(), sink.restarts], [digestOf(module), 0]);
  assert.ok(broken >= 1);
});

Deno.test("OciClient.download() goes on as long as each try brings the blob on", async () => {
  await using registry = await TestRegistry.start();
  const module = moduleOf(7 * PART_BYTES);
  registry.blob(module, "x");
  let breaks = 0;
  registry.fault = (request, response) => {
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const to = from + PART_BYTES + 1;
    if (to >= module.length) return false;
    breaks++;
    const partial = from > 0;
    response.writeHead(partial ? 206 : 200, {
      "content-length": module.length - from,
      ...(partial
        ? { "content-range": `bytes ${from}-${module.length - 1}/${module.length}` }
        : {}),
    });
    response.write(module.subarray(from, to), () => request.socket.destroy());
    return true;
  };
  const sink = await download(registry, module);
  assert.deepEqual([sink.digest(), sink.restarts], [digestOf(module), 0]);
  assert.ok(breaks > 4, `${breaks} breaks are more than the tries of one request`);
});

Deno.test("OciClient.download() gives up on a blob that never gets any longer", async () => {
  await using registry = await TestRegistry.start();
  const module = moduleOf(1000);
  registry.blob(module.subarray(0, 500), "x");
  registry.fault = (request, response) => {
    if (!request.url!.includes("/blobs/")) return false;
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, {
      ...(from > 0 ? { "content-range": "bytes 500-499/500" } : {}),
    }).end(from > 0 ? "" : module.subarray(0, 500));
    return true;
  };
  await assert.rejects(download(registry, module), /sent 500 of 1000 bytes: the rest is missing/);
  assert.equal(registry.seen.length, 4);
});

Deno.test("OciClient.download() stops with its signal, and nothing is left under way", async () => {
  await using registry = await TestRegistry.start();
  const module = moduleOf(6 * PART_BYTES);
  registry.blob(module, "x");
  registry.fault = slowly(module);
  const stop = new AbortController();
  const reason = new Error("enough");
  const sink = new MemorySink();
  const slow = registry.fault;
  registry.fault = (request, response) => {
    if (request.headers.range !== undefined) stop.abort(reason);
    return slow(request, response);
  };
  using client = open(registry);
  const blob = { digest: digestOf(module), size: module.length };
  const options = { sink, signal: stop.signal };
  await assert.rejects(client.download(accessTo(registry), blob, options), reason);
});
