import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { gunzipSync } from "node:zlib";
import { PageDesk, type Pages, PAGES_AT_ONCE_MAX } from "./pages.ts";
import { configzPage, flagzPage, statuszPage } from "./zpages.ts";

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly bytes: Uint8Array;
  readonly text: string;
}

async function serve(
  pages: Pages,
  { stalledMs = 60_000 } = {},
): Promise<AsyncDisposable & { readonly port: number }> {
  const desk = new PageDesk(pages, { stalledMs });
  const server = createServer((request, response) => {
    const params = new URLSearchParams();
    void desk.serve({ page: "metrics", rest: [] }, {
      request,
      response,
      params,
      gone: new AbortController().signal,
    })
      .catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

function ask(port: number, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ port, host: "127.0.0.1", headers, agent: false }, (response) => {
      const chunks: Uint8Array[] = [];
      response.on("data", (chunk: Uint8Array) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const bytes = new Uint8Array(Buffer.concat(chunks));
        const text = new TextDecoder().decode(bytes);
        resolve({ status: response.statusCode!, headers: response.headers, bytes, text });
      });
    });
    asked.on("error", reject);
    asked.end();
  });
}

const page = (body: string): Pages => ({ metrics: () => ({ contentType: "text/x", body }) });

Deno.test("PageDesk.serve() sends a page, packed for who takes that", async () => {
  const body = "é".repeat(2_000);
  await using server = await serve(page(body));
  const plain = await ask(server.port, { "accept-encoding": "gzip;q=0, br" });
  assert.deepEqual([plain.status, plain.headers["content-type"], plain.text], [
    200,
    "text/x",
    body,
  ]);
  const packed = await ask(server.port, { "accept-encoding": "br, gzip" });
  assert.equal(packed.headers["content-encoding"], "gzip");
  assert.ok(packed.bytes.length < 500);
  assert.equal(new TextDecoder().decode(gunzipSync(packed.bytes)), body);
});

Deno.test("PageDesk.serve() sends a stream to its end", async () => {
  const piece = new Uint8Array(100_000).fill(97);
  const body = new ReadableStream<Uint8Array>({
    start(controller): void {
      for (let n = 0; n < 5; n++) controller.enqueue(piece);
      controller.close();
    },
  });
  await using server = await serve({ metrics: () => ({ contentType: "text/plain", body }) });
  assert.equal((await ask(server.port)).bytes.length, 500_000);
});

Deno.test("PageDesk.serve() makes only so many pages at once", async () => {
  const held = Promise.withResolvers<void>();
  const busy = Promise.withResolvers<void>();
  let asked = 0;
  await using server = await serve({
    metrics: async () => {
      if (++asked === PAGES_AT_ONCE_MAX) busy.resolve();
      await held.promise;
      return { contentType: "text/plain", body: "x" };
    },
  });
  const all = Array.from({ length: PAGES_AT_ONCE_MAX }, () => ask(server.port));
  await busy.promise;
  const refused = await ask(server.port);
  assert.deepEqual([refused.status, refused.headers["retry-after"]], [429, "1"]);
  held.resolve();
  for (const { status } of await Promise.all(all)) assert.equal(status, 200);
  assert.equal((await ask(server.port)).status, 200);
});

/** Asks for a page and reads nothing of it, not even that it is cut off. */
function stall(port: number): Socket {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => {});
  socket.once("connect", () => socket.pause().write("GET / HTTP/1.1\r\nhost: n\r\n\r\n"));
  return socket;
}

Deno.test("PageDesk.serve() cuts off readers that take nothing, and has room for others", async () => {
  const megabyte = new Uint8Array(1 << 20);
  const cancelled: unknown[] = [];
  const endless = (): ReadableStream<Uint8Array> =>
    new ReadableStream({
      pull: (controller) => controller.enqueue(megabyte),
      cancel: (reason) => void cancelled.push(reason),
    }, { highWaterMark: 0 });
  const long = "x".repeat(64 << 20);
  const bodies = [...Array.from({ length: PAGES_AT_ONCE_MAX - 1 }, endless), long];
  let asked = 0;
  await using server = await serve({
    metrics: () => ({ contentType: "text/plain", body: bodies[asked++] ?? "short" }),
  }, { stalledMs: 2_000 });
  const stalled = Array.from({ length: PAGES_AT_ONCE_MAX }, () => stall(server.port));
  while (asked < PAGES_AT_ONCE_MAX) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal((await ask(server.port)).status, 429);
  const until = performance.now() + 60_000;
  while ((await ask(server.port)).status === 429) assert.ok(performance.now() < until);
  while (cancelled.length < PAGES_AT_ONCE_MAX - 1) {
    assert.ok(performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  for (const socket of stalled) socket.destroy();
});

Deno.test("PageDesk.serve() says that it has no such page", async () => {
  await using server = await serve({});
  assert.equal((await ask(server.port)).status, 501);
});

Deno.test("statuszPage() and flagzPage() answer in text and in their own kind", () => {
  const facts = {
    startedMs: 0,
    nowMs: 3_723_000,
    version: "1.2.3",
    emulationVersion: "1.36",
    paths: ["/metrics"],
  };
  const text = statuszPage(facts, "").body as string;
  assert.match(text, /^\nkubelet statusz\nWarning: /);
  assert.match(text, /^Up: 1 hr 02 min 03 sec$/m);
  const kind = (name: string): string => `application/json;v=v1beta1;g=config.k8s.io;as=${name}`;
  assert.deepEqual(JSON.parse(statuszPage(facts, `text/html, ${kind("Statusz")}`).body as string), {
    kind: "Statusz",
    apiVersion: "config.k8s.io/v1beta1",
    metadata: { name: "kubelet" },
    startTime: "1970-01-01T00:00:00Z",
    uptimeSeconds: 3723,
    goVersion: "",
    binaryVersion: "1.2.3",
    emulationVersion: "1.36",
    paths: ["/metrics"],
  });
  const flags = { "b-flag": "2", "a-flag": "1" };
  assert.match(flagzPage(flags, "*/*").body as string, /\na-flag=1\nb-flag=2\n$/);
  assert.deepEqual(JSON.parse(flagzPage(flags, kind("Flagz")).body as string).flags, flags);
  assert.equal(flagzPage(flags, "application/json").status, 406);
  assert.deepEqual(JSON.parse(configzPage({ port: 1 }).body as string), {
    kubeletconfig: { port: 1 },
  });
});
