import assert from "node:assert/strict";
import { type ForwardOptions, forwardTcp } from "./tcp_forward.ts";

/** An address that no other test has: a port that was free just now still is. */
const LOCAL = Deno.build.os === "linux"
  ? `127.201.${Deno.pid >> 8 & 0xff}.${Deno.pid & 0xff}`
  : "127.0.0.1";

/** A forward from a free port to these ports of this machine. */
function forwarded(
  ports: readonly number[],
  options: Partial<ForwardOptions> = {},
): AsyncDisposable & { readonly port: number } {
  const port = freePort();
  const to = ports.map((each) => ({ ip: LOCAL, port: each }));
  const from = { ip: LOCAL, port };
  const forward = forwardTcp({ from, to, admits: () => true, ...options });
  return { port, [Symbol.asyncDispose]: () => forward[Symbol.asyncDispose]() };
}

function freePort(): number {
  using listener = Deno.listen({ hostname: LOCAL, port: 0 });
  return listener.addr.port;
}

async function readAll(connection: Deno.TcpConn): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (let buffer = new Uint8Array(65_536);; buffer = new Uint8Array(65_536)) {
    const count = await connection.read(buffer);
    if (count === null) break;
    chunks.push(buffer.subarray(0, count));
  }
  return new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) {
    rest = rest.subarray(await connection.write(rest));
  }
}

Deno.test("forwardTcp() brings both directions whole, and tells where one of them ends", async () => {
  using pod = Deno.listen({ hostname: LOCAL, port: 0 });
  await using forward = forwarded([pod.addr.port]);
  using client = await Deno.connect({ hostname: LOCAL, port: forward.port });
  using server = await pod.accept();
  const question = crypto.getRandomValues(new Uint8Array(60_000));
  const asking = writeAll(client, question).then(() => client.closeWrite());
  assert.deepEqual(await readAll(server), question);
  await asking;
  // The client has said all, and hears the answer nevertheless: more than sockets hold on their way.
  const answer = new Uint8Array(8 * 1024 * 1024).fill(7);
  const answering = writeAll(server, answer).then(() => server.closeWrite());
  assert.equal((await readAll(client)).length, answer.length);
  await answering;
});

Deno.test("forwardTcp() tries the pod's addresses in turn, and hangs up if nobody listens", async () => {
  using pod = Deno.listen({ hostname: LOCAL, port: 0 });
  const nobody = freePort();
  await using forward = forwarded([nobody, pod.addr.port]);
  using client = await Deno.connect({ hostname: LOCAL, port: forward.port });
  using server = await pod.accept();
  await server.write(Uint8Array.of(1));
  assert.equal(await client.read(new Uint8Array(2)), 1);
  await using deaf = forwarded([nobody]);
  using lost = await Deno.connect({ hostname: LOCAL, port: deaf.port });
  assert.equal(await lost.read(new Uint8Array(2)).catch(() => null), null);
});

Deno.test("forwardTcp() lets in whom it is told to", async () => {
  using pod = Deno.listen({ hostname: LOCAL, port: 0 });
  const peers: string[] = [];
  let open = false;
  await using forward = forwarded([pod.addr.port], {
    admits: ({ ip }) => {
      peers.push(ip);
      return open;
    },
  });
  using refused = await Deno.connect({ hostname: LOCAL, port: forward.port });
  assert.equal(await refused.read(new Uint8Array(2)).catch(() => null), null);
  open = true;
  using admitted = await Deno.connect({ hostname: LOCAL, port: forward.port });
  using server = await pod.accept();
  await admitted.write(Uint8Array.of(1));
  assert.equal(await server.read(new Uint8Array(2)), 1);
  assert.deepEqual(peers, ["127.0.0.1", "127.0.0.1"]);
});

Deno.test("forwardTcp() ends what is open when it is disposed of, and leaves the port", async () => {
  using pod = Deno.listen({ hostname: LOCAL, port: 0 });
  const forward = forwarded([pod.addr.port]);
  using client = await Deno.connect({ hostname: LOCAL, port: forward.port });
  using server = await pod.accept();
  await forward[Symbol.asyncDispose]();
  assert.equal(await client.read(new Uint8Array(2)).catch(() => null), null);
  assert.equal(await server.read(new Uint8Array(2)).catch(() => null), null);
  Deno.listen({ hostname: LOCAL, port: forward.port }).close();
});

Deno.test("forwardTcp() goes on when one end vanishes", async () => {
  using pod = Deno.listen({ hostname: LOCAL, port: 0 });
  await using forward = forwarded([pod.addr.port]);
  for (let round = 0; round < 20; round++) {
    const client = await Deno.connect({ hostname: LOCAL, port: forward.port });
    using server = await pod.accept();
    client.close();
    assert.equal(await server.read(new Uint8Array(2)).catch(() => null), null);
  }
});
