import assert from "node:assert/strict";
import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import type { Endpoint } from "../../guest_network.ts";
import { readQuery, readReply } from "./message.ts";
import { parseName } from "./name.ts";
import { Upstream, UPSTREAM_QUESTIONS_MAX, UpstreamError } from "./upstream.ts";
import { type OwnRecord, writeQuery, writeReply } from "./write_message.ts";

const NAME = parseName("www.example.com")!;
const QUERY = writeQuery(NAME, { id: 4_711, type: 1 });
const HOW = {
  asker: "uid-client",
  servers: ["192.0.2.1"],
  over: "udp",
  timeoutMs: 20_000,
  attempts: 1,
  signal: new AbortController().signal,
} as const;

/** Hears packets on a free port of loopback. */
async function hear(
  listener: (
    packet: { bytes: Uint8Array; from: RemoteInfo; send: (bytes: Uint8Array) => void },
  ) => void,
): Promise<{ endpoint: Endpoint } & AsyncDisposable> {
  const socket = createSocket("udp4");
  socket.bind({ address: "127.0.0.1", port: 0 });
  await once(socket, "listening");
  socket.on("message", (bytes: Uint8Array, from) => {
    const send = (answer: Uint8Array): void => socket.send(answer, from.port, from.address);
    listener({ bytes: new Uint8Array(bytes), from, send });
  });
  return {
    endpoint: { ip: "127.0.0.1", port: socket.address().port },
    async [Symbol.asyncDispose](): Promise<void> {
      const closed = once(socket, "close");
      socket.close();
      await closed;
    },
  };
}

function says(bytes: Uint8Array, ip: string): Uint8Array {
  const answers: OwnRecord[] = [{ name: NAME, type: "A", ip }];
  const reply = { rcode: 0, authoritative: false, ttlSeconds: 60, answers, over: "udp" } as const;
  return writeReply(readQuery(bytes), reply);
}

Deno.test("Upstream asks under numbers of its own, and answers under the asker's", async () => {
  const ids = new Set<number>();
  await using server = await hear(({ bytes, send }) => {
    ids.add(readQuery(bytes).id);
    send(says(bytes, "198.51.100.1"));
  });
  const upstream = new Upstream({ route: () => server.endpoint });
  for (let round = 0; round < 8; round++) {
    const reply = readReply(await upstream.ask(QUERY, HOW));
    assert.equal(reply.id, 4_711);
    assert.equal(reply.answers[0]?.ip, "198.51.100.1");
  }
  assert.ok(ids.size > 4, "they can be guessed");
});

Deno.test("Upstream does not believe an answer of another number, question or place", async () => {
  const forger = createSocket("udp4");
  await using server = await hear(({ bytes, from, send }) => {
    const wrongNumber = says(bytes, "192.0.2.66");
    wrongNumber[1] = wrongNumber[1]! ^ 1;
    const other = says(
      writeQuery(parseName("other.example.com")!, { id: 0, type: 1 }),
      "192.0.2.66",
    );
    other.set(bytes.subarray(0, 2));
    send(wrongNumber);
    send(other);
    send(bytes); // its own question is no answer
    send(Uint8Array.of(...bytes.subarray(0, 2), 0x80));
    // From another port, with the right number: heard before the true answer is sent.
    forger.send(says(bytes, "192.0.2.66"), from.port, from.address, () => {
      send(says(bytes, "198.51.100.1"));
    });
  });
  const upstream = new Upstream({ route: () => server.endpoint });
  const reply = readReply(await upstream.ask(QUERY, HOW));
  assert.equal(reply.answers[0]?.ip, "198.51.100.1");
  const closed = once(forger, "close");
  forger.close();
  await closed;
});

Deno.test("Upstream gives up a server that is silent, and the question with the signal", async () => {
  await using silent = await hear(() => {});
  const upstream = new Upstream({ route: () => silent.endpoint });
  await assert.rejects(upstream.ask(QUERY, { ...HOW, timeoutMs: 20 }), UpstreamError);
  const ending = new AbortController();
  const asked = upstream.ask(QUERY, { ...HOW, signal: ending.signal });
  ending.abort(new Error("it ends"));
  await assert.rejects(asked, /it ends/);
});

Deno.test("Upstream says so when nobody serves, and when there is nobody to ask", async () => {
  const upstream = new Upstream({ route: () => undefined });
  await assert.rejects(upstream.ask(QUERY, HOW), /no server of 192\.0\.2\.1 answers/);
  await assert.rejects(upstream.ask(QUERY, { ...HOW, servers: [] }), UpstreamError);
});

Deno.test("Upstream lets no pod take the places of all others, and no more than its limit wait", async () => {
  await using silent = await hear(() => {});
  const upstream = new Upstream({ route: () => silent.endpoint });
  const ending = new AbortController();
  const asked: Promise<unknown>[] = [];
  const ask = (asker: string, count: number): void => {
    const how = { ...HOW, asker, signal: ending.signal };
    for (let at = 0; at < count; at++) asked.push(upstream.ask(QUERY, how));
  };
  const refused = (asker: string): Promise<void> =>
    assert.rejects(upstream.ask(QUERY, { ...HOW, asker }), /questions of pod "\w+" wait already/);
  ask("greedy", UPSTREAM_QUESTIONS_MAX / 2);
  await refused("greedy");
  ask("second", UPSTREAM_QUESTIONS_MAX / 4);
  await refused("second");
  // Whoever has none yet has a place, until there is none at all.
  const left = UPSTREAM_QUESTIONS_MAX / 4;
  for (let at = 0; at < left; at++) ask(`pod${at}`, 1);
  await refused("late");
  ending.abort(new Error("it ends"));
  await Promise.allSettled(asked);
  const again = { ...HOW, asker: "greedy", timeoutMs: 20 };
  await assert.rejects(upstream.ask(QUERY, again), /no server/, "there is room");
});
