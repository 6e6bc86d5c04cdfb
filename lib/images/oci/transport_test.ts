import assert from "node:assert/strict";
import { PullFailure } from "./failure.ts";
import { type Fetch, type Reply, type Request, Transport } from "./transport.ts";
import { makeCertificates, TestServer } from "./_test_registry.ts";

const ASK: Request = { method: "GET", registry: "r", signal: new AbortController().signal };

async function failureOf(work: Promise<unknown>): Promise<PullFailure> {
  const error = await work.then(() => assert.fail("it worked"), (error: unknown) => error);
  assert.ok(error instanceof PullFailure, String(error));
  return error;
}

function trusting(ca: string): { fetch: Fetch; [Symbol.dispose](): void } {
  const client = Deno.createHttpClient({ caCerts: [ca], http2: false });
  return {
    fetch: (url, init) => fetch(url, { ...init, client }),
    [Symbol.dispose]: () => client.close(),
  };
}

async function send(
  transport: Transport,
  url: string,
  more: Partial<Request> = {},
): Promise<Reply> {
  return await transport.send(new URL(url), { ...ASK, ...more });
}

Deno.test("Transport.send() keeps Authorization within an origin and off any other", async () => {
  await using other = await TestServer.answering((_, response) => response.end("bytes"));
  await using first = await TestServer.answering((request, response) => {
    const next: Record<string, string> = { "/a": "/b", "/b": `http://${other.host}/c` };
    response.writeHead(307, { location: next[request.url!]! }).end();
  });
  const transport = new Transport();
  const reply = await send(transport, `http://${first.host}/a`, { authorization: "Bearer secret" });
  assert.equal(new TextDecoder().decode(await reply.bytes(100)), "bytes");
  transport.close();
  assert.deepEqual(first.seen.map((seen) => seen.authorization), [
    "Bearer secret",
    "Bearer secret",
  ]);
  assert.deepEqual(other.seen.map((seen) => seen.authorization), [undefined]);
});

Deno.test("Transport.send() does not send Authorization again on the way back", async () => {
  await using first = await TestServer.answering((request, response) => {
    const location = request.url === "/a" ? `http://${other.host}/` : undefined;
    response.writeHead(
      location === undefined ? 200 : 302,
      location === undefined ? {} : { location },
    );
    response.end();
  });
  await using other = await TestServer.answering((_, response) => {
    response.writeHead(302, { location: `http://${first.host}/end` }).end();
  });
  const transport = new Transport();
  const reply = await send(transport, `http://${first.host}/a`, { authorization: "Basic x" });
  await reply.discard();
  transport.close();
  assert.deepEqual(first.seen.map((seen) => seen.authorization), ["Basic x", undefined]);
});

Deno.test("Transport.send() ends a redirect loop", async () => {
  await using server = await TestServer.answering((_, response) => {
    response.writeHead(302, { location: "/again" }).end();
  });
  const transport = new Transport();
  const failure = await failureOf(send(transport, `http://${server.host}/`));
  transport.close();
  assert.match(failure.message, /redirects more than 5 times/);
  assert.equal(server.seen.length, 6);
});

Deno.test("Transport.send() refuses redirects to HTTP, to other schemes, and of a POST", async () => {
  const certificates = makeCertificates();
  using trust = trusting(certificates.ca);
  const transport = new Transport({ fetch: trust.fetch });
  await using secure = await TestServer.answering((request, response) => {
    const location = request.url === "/file" ? "file:///etc/passwd" : "http://127.0.0.1:9/";
    response.writeHead(307, { location }).end();
  }, certificates);
  const base = `https://${secure.host}`;
  assert.match((await failureOf(send(transport, base))).message, /from HTTPS to plain HTTP/);
  assert.match((await failureOf(send(transport, `${base}/file`))).message, /not a web address/);
  const post = send(transport, base, { method: "POST", body: "refresh_token=x" });
  assert.match((await failureOf(post)).message, /holds credentials or content/);
});

Deno.test("Transport.send() says what is wrong with a host's TLS", async () => {
  const good = makeCertificates();
  const misnamed = makeCertificates({ name: "elsewhere.example" });
  const expired = makeCertificates({ days: -1 });
  const own = new Transport();
  await using server = await TestServer.answering((_, response) => response.end(), good);
  await using wrong = await TestServer.answering((_, response) => response.end(), misnamed);
  await using old = await TestServer.answering((_, response) => response.end(), expired);
  await using plain = await TestServer.answering((_, response) => response.end());
  const about = async (transport: Transport, url: string): Promise<string> => {
    const failure = await failureOf(send(transport, url));
    assert.equal(failure.retry, false, failure.message);
    return failure.message;
  };
  assert.match(
    await about(own, `https://${server.host}`),
    /unknown authority; trust the authority/,
  );
  assert.match(
    await about(own, `https://${plain.host}`),
    new RegExp(`does not speak HTTPS; allow plain HTTP for "${plain.host}"`),
  );
  assert.match(
    await about(own, `http://${server.host}`),
    /does not speak plain HTTP; if it speaks HTTPS/,
  );
  own.close();
  using trustWrong = trusting(misnamed.ca);
  using trustOld = trusting(expired.ca);
  const misled = new Transport({ fetch: trustWrong.fetch });
  assert.match(
    await about(misled, `https://${wrong.host}`),
    /is for another name: .*elsewhere\.example/,
  );
  const late = new Transport({ fetch: trustOld.fetch });
  assert.match(await about(late, `https://${old.host}`), /has expired/);
});

Deno.test("Transport.send() says when a host is not there", async () => {
  const transport = new Transport();
  const server = await TestServer.answering((_, response) => response.end());
  const { host } = server;
  await server[Symbol.asyncDispose]();
  assert.match((await failureOf(send(transport, `http://${host}`))).message, /refuses connections/);
  const nowhere = send(transport, "http://registry.invalid/");
  assert.match((await failureOf(nowhere)).message, /"registry.invalid" has no address \(DNS\)/);
  transport.close();
});

Deno.test("Transport.send() gives up on a host that never answers", async () => {
  await using server = await TestServer.answering(() => {});
  const transport = new Transport({ headersMs: 50 });
  const failure = await failureOf(send(transport, `http://${server.host}`));
  transport.close();
  assert.match(failure.message, /was silent for 0.05 s/);
  assert.equal(failure.retry, true);
});

Deno.test("Reply.chunks() ends when the body stalls, breaks off, or is cut by a reset", async () => {
  await using server = await TestServer.answering((request, response) => {
    response.writeHead(200, { "content-length": 100 });
    response.write("begin", () => {
      if (request.url === "/end") request.socket.end();
      if (request.url === "/reset") request.socket.resetAndDestroy();
    });
  });
  const transport = new Transport({ idleMs: 800 });
  for (const path of ["stall", "end", "reset"]) {
    const failure = await failureOf(
      send(transport, `http://${server.host}/${path}`).then((reply) => reply.bytes(1000)),
    );
    assert.equal(failure.retry, true, path);
    assert.match(failure.message, path === "stall" ? /was silent/ : /broke/);
  }
  transport.close();
});

Deno.test("Reply.bytes() refuses more than its limit without reading on", async () => {
  await using server = await TestServer.answering((_, response) => {
    response.write(new Uint8Array(1 << 20));
  });
  const transport = new Transport();
  const reply = await send(transport, `http://${server.host}`);
  assert.match((await failureOf(reply.bytes(1000))).message, /more than 1000 bytes/);
  transport.close();
});

Deno.test("Transport.send() and its body stop with the caller's signal and reason", async () => {
  await using server = await TestServer.answering((request, response) => {
    if (request.url === "/body") response.writeHead(200, { "content-length": 9 }).write("x");
    asked.resolve();
  });
  const asked = Promise.withResolvers<void>();
  const transport = new Transport();
  const reason = new Error("enough");
  const head = new AbortController();
  const waiting = send(transport, `http://${server.host}/head`, { signal: head.signal });
  await asked.promise;
  head.abort(reason);
  await assert.rejects(waiting, reason);
  const body = new AbortController();
  const reply = await send(transport, `http://${server.host}/body`, { signal: body.signal });
  const chunks = reply.chunks();
  await chunks.next();
  body.abort(reason);
  await assert.rejects(chunks.next(), reason);
  transport.close();
});

Deno.test("Reply.bytes() ends a silent body, however much garbage was collected", async () => {
  await using server = await TestServer.answering((_, response) => {
    response.writeHead(200).write("the beginning");
  });
  // In a process of its own, in which the garbage can be collected on purpose.
  const program = `
    import { Transport } from ${JSON.stringify(new URL("./transport.ts", import.meta.url).href)};
    const transport = new Transport({ idleMs: 400 });
    const [url] = Deno.args;
    const stop = new AbortController();
    const ask = { method: "GET", registry: "r", signal: stop.signal };
    const collecting = setInterval(gc, 50);
    const failed = async () => (await transport.send(new URL(url), ask)).bytes(100);
    console.log(await failed().catch((error) => error.message));
    const stopped = failed().catch((error) => error);
    setTimeout(() => stop.abort("enough"), 200);
    console.log(await stopped);
    clearInterval(collecting);
    transport.close();`;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", "--v8-flags=--expose-gc", program, `http://${server.host}/`],
    signal: AbortSignal.timeout(90_000),
  }).output();
  const text = new TextDecoder();
  assert.match(text.decode(stdout), /was silent for 0\.4 s.*\nenough\n$/, text.decode(stderr));
});
