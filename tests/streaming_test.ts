import assert from "node:assert/strict";
import { freePort } from "./harness/ports.ts";
import {
  startStreamServer,
  streamCertificates,
  type StreamServer,
  type Transport,
} from "./harness/streams.ts";

// Before the first test, because what deletes them in the end outlives that.
const CERTIFICATES = await streamCertificates();

const TRANSPORTS: readonly Transport[] = ["spdy", "websocket"];
const MANY_BYTES = 50 * 1024 * 1024;
/** MiB that client, node and system may keep together of what is not read. */
const HELD_PIECES_MAX = 128;
/** A client that sends nothing for so long is held up. */
const STALL_MS = 2_000;
const [encoder, decoder] = [new TextEncoder(), new TextDecoder()];

function eachTransport(
  name: string,
  test: (transport: Transport, server: StreamServer) => Promise<void>,
): void {
  for (const transport of TRANSPORTS) {
    Deno.test(`${name} over ${transport}`, async () => {
      await using server = await startStreamServer(CERTIFICATES);
      await test(transport, server);
    });
  }
}

/** Bytes that do not repeat, so that a piece that is lost or doubled is seen. */
function manyBytes(): Uint8Array {
  const bytes = new Uint8Array(MANY_BYTES);
  const words = new Uint32Array(bytes.buffer);
  for (let index = 0; index < words.length; index++) words[index] = index * 2_654_435_761;
  return bytes;
}

function assertSame(actual: Uint8Array, wanted: Uint8Array): void {
  assert.equal(actual.length, wanted.length);
  assert.equal(Buffer.compare(actual, wanted), 0, "the bytes are others");
}

eachTransport("exec passes output, errors and the exit code on", async (transport, server) => {
  const path = "/exec?command=exit&code=42&output=1&error=1";
  const { code, stdout, stderr } = await server.run(["exec", "-transport", transport], { path });
  assert.equal(code, 42);
  assert.equal(decoder.decode(stdout), "to stdout\n");
  assert.equal(stderr, "to stderr\n");
});

eachTransport("exec tells that a command could not be run", async (transport, server) => {
  const path = "/exec?command=fail&output=1&error=1";
  const { stderr } = await server.run(["exec", "-transport", transport], { path });
  assert.equal(stderr, "error: Internal error occurred: there is no such program\n");
});

eachTransport("exec ends a command's input where the client's ends", async (transport, server) => {
  const path = "/exec?command=count&input=1&output=1";
  const { code, stdout } = await server.run(
    ["exec", "-transport", transport, "-stdin", "-stderr=false"],
    { path, input: encoder.encode("12345") },
  );
  assert.equal(code, 0);
  assert.equal(decoder.decode(stdout), "5\n");
});

eachTransport("exec carries 50 MiB both ways", async (transport, server) => {
  const path = "/exec?command=echo&input=1&output=1&error=1";
  const input = manyBytes();
  const { code, stdout, stderr } = await server.run(
    ["exec", "-transport", transport, "-stdin"],
    { path, input },
  );
  assert.equal(code, 0, stderr);
  assertSame(stdout, input);
});

eachTransport("exec serves 100 sessions at once", async (transport, server) => {
  const path = "/exec?command=echo&input=1&output=1";
  const { code, stderr } = await server.run(
    ["exec", "-transport", transport, "-sessions", "100"],
    { path },
  );
  assert.equal(code, 0, stderr);
});

eachTransport("exec tells the sizes of the terminal", async (transport, server) => {
  const path = "/exec?command=sizes&count=2&input=1&output=1&tty=1";
  const { code, stdout } = await server.run(
    ["exec", "-transport", transport, "-stdin", "-sizes", "80x24,100x30"],
    { path },
  );
  assert.equal(code, 0);
  assert.equal(decoder.decode(stdout), "80x24\n100x30\n");
});

eachTransport(
  "exec notices that a client is gone that it does not read from",
  async (transport, server) => {
    const path = "/exec?command=hold&input=1&output=1";
    const client = await server.start(
      ["exec", "-transport", transport, "-stdin", "-stderr=false"],
      path,
    );
    const writer = client.stdin.getWriter();
    let pieces = 0;
    const written = (async (): Promise<void> => {
      const piece = new Uint8Array(1024 * 1024);
      for (; pieces < HELD_PIECES_MAX; pieces++) await writer.write(piece);
    })().catch(() => {});
    for await (const bytes of client.stdout) if (decoder.decode(bytes).includes("holding")) break;
    for (let before = -1; before !== pieces;) {
      before = pieces;
      await new Promise((resolve) => setTimeout(resolve, STALL_MS));
    }
    assert.ok(pieces < HELD_PIECES_MAX, "all was taken of what nobody reads");
    client.kill("SIGKILL");
    await Promise.all([client.status, client.stderr.cancel(), written]);
    await server.said("ended: hold");
  },
);

for (const version of ["v4.", "v3.", "v2."]) {
  Deno.test(`exec speaks ${version}channel.k8s.io over spdy`, async () => {
    await using server = await startStreamServer(CERTIFICATES);
    const path = "/exec?command=exit&code=3&output=1&error=1";
    const { code, stderr } = await server.run(
      ["exec", "-protocols", `${version}channel.k8s.io`],
      { path },
    );
    assert.match(stderr, /^to stderr\n/);
    if (version === "v4.") assert.equal(code, 3);
    else assert.match(stderr, /command terminated with non-zero exit code: 3/);
  });
}

// Of the first version a client does not wait for the words of a failure.
for (const transport of ["spdy", "websocket"]) {
  Deno.test(`exec speaks channel.k8s.io over ${transport}`, async () => {
    await using server = await startStreamServer(CERTIFICATES);
    const path = "/exec?command=exit&code=0&output=1&error=1";
    const result = await server.run(
      ["exec", "-transport", transport, "-protocols", "channel.k8s.io"],
      { path },
    );
    assert.equal(result.code, 0);
    assert.equal(decoder.decode(result.stdout), "to stdout\n");
    assert.equal(result.stderr, "to stderr\n");
  });
}

Deno.test("exec speaks v4.channel.k8s.io over websocket", async () => {
  await using server = await startStreamServer(CERTIFICATES);
  const path = "/exec?command=exit&code=3&output=1&error=1";
  const { code, stdout } = await server.run(
    ["exec", "-transport", "websocket", "-protocols", "v4.channel.k8s.io"],
    { path },
  );
  assert.equal(code, 3);
  assert.equal(decoder.decode(stdout), "to stdout\n");
});

Deno.test("exec says what it accepts if a client speaks nothing of it", async () => {
  await using server = await startStreamServer(CERTIFICATES);
  const path = "/exec?command=exit&code=0&output=1";
  const spdy = await server.run(["exec", "-protocols", "v9.channel.k8s.io"], { path });
  assert.match(spdy.stderr, /this node accepts v4\.channel\.k8s\.io, v3/);
  const web = await server.run(
    ["exec", "-transport", "websocket", "-protocols", "v9.channel.k8s.io"],
    { path },
  );
  assert.match(web.stderr, /this node accepts v5\.channel\.k8s\.io, v4/);
});

/** A port of this machine on which each client is served by `serve`. */
function listen(serve: (client: Deno.TcpConn) => Promise<void>): Disposable & { port: number } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accept = async (): Promise<void> => {
    for await (const client of listener) void serve(client).catch(() => {});
  };
  void accept();
  return { port: listener.addr.port, [Symbol.dispose]: () => listener.close() };
}

interface Forward extends AsyncDisposable {
  connect(): Promise<Deno.TcpConn>;
}

async function startForward(
  server: StreamServer,
  { transport, port }: { transport: Transport; port: number },
): Promise<Forward> {
  const child = await server.start(
    ["forward", "-transport", transport, "-port", String(port)],
    "/forward",
  );
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  const local = Number(decoder.decode(value));
  return {
    connect: () => Deno.connect({ hostname: "127.0.0.1", port: local }),
    [Symbol.asyncDispose]: async () => {
      await child.stdin.close();
      await Promise.all([child.status, reader.cancel(), child.stderr.cancel()]);
    },
  };
}

eachTransport("port-forward carries 50 MiB both ways", async (transport, server) => {
  using target = listen((client) => client.readable.pipeTo(client.writable));
  await using forward = await startForward(server, { transport, port: target.port });
  using client = await forward.connect();
  const input = manyBytes();
  const written = writeAll(client, input).then(() => client.closeWrite());
  const output = await readAll(client);
  await written;
  assertSame(output, input);
  await server.said(`ended: port ${target.port}`);
});

eachTransport(
  "port-forward tells a server where a client's data end",
  async (transport, server) => {
    using target = listen(async (client) => {
      const { length } = await readAll(client);
      await client.write(encoder.encode(`${length}\n`));
      client.close();
    });
    await using forward = await startForward(server, { transport, port: target.port });
    using client = await forward.connect();
    await client.write(encoder.encode("12345"));
    await client.closeWrite();
    assert.equal(decoder.decode(await readAll(client)), "5\n");
  },
);

eachTransport("port-forward serves 100 clients at once", async (transport, server) => {
  using target = listen((client) => client.readable.pipeTo(client.writable));
  await using forward = await startForward(server, { transport, port: target.port });
  const clients = Array.from({ length: 100 }, async (_, index) => {
    using client = await forward.connect();
    const text = `client ${index}\n`.repeat(100);
    await client.write(encoder.encode(text));
    await client.closeWrite();
    assert.equal(decoder.decode(await readAll(client)), text);
  });
  await Promise.all(clients);
});

eachTransport("port-forward tells why a port cannot be reached", async (transport, server) => {
  const port = freePort();
  const child = await server.start(
    ["forward", "-transport", transport, "-port", String(port)],
    "/forward",
  );
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  using client = await Deno.connect({ hostname: "127.0.0.1", port: Number(decoder.decode(value)) });
  assert.equal((await readAll(client)).length, 0);
  await child.stdin.close().catch(() => {});
  const [{ stderr }] = await Promise.all([readText(child.stderr), reader.cancel(), child.status]);
  assert.match(stderr, new RegExp(`cannot forward port ${port}: .*refused`));
});

async function writeAll(client: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await client.write(bytes.subarray(at));
}

/** Not by the connection's streams, which close it when one direction ends. */
async function readAll(client: Deno.TcpConn): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  const buffer = new Uint8Array(64 * 1024);
  for (
    let length = await client.read(buffer);
    length !== null;
    length = await client.read(buffer)
  ) {
    pieces.push(buffer.slice(0, length));
  }
  return new Uint8Array(Buffer.concat(pieces));
}

async function readText(stream: ReadableStream<Uint8Array>): Promise<{ stderr: string }> {
  return { stderr: await new Response(stream).text() };
}
