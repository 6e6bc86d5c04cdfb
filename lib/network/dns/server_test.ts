import assert from "node:assert/strict";
import { promises as dns } from "node:dns";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import type { Pod } from "../../api/types.ts";
import { endpoint, service, slice, tableOf } from "../services/_cluster.ts";
import { ServiceTable } from "../services/table.ts";
import { DOMAIN, OtherServer, pod, sources } from "./_world.ts";
import { answerMessage } from "./answers.ts";
import type { NameFinder } from "./finder.ts";
import { RCODE, readReply, RECORD_TYPE, type Reply } from "./message.ts";
import { parseName } from "./name.ts";
import { DnsServer, POD_CONNECTIONS_MAX } from "./server.ts";
import { MessageSplitter, withLength } from "./tcp_messages.ts";
import { writeQuery } from "./write_message.ts";

const NEVER = new AbortController().signal;
const EXAMPLE = parseName("www.example.com")!;

/** A server for the pod at 127.0.0.1, and a C library's client of it. */
async function serve(
  finder: NameFinder,
  podOf: (ip: string) => Pod | undefined = () => pod(),
): Promise<{ server: DnsServer; resolver: dns.Resolver }> {
  const server = await DnsServer.open({ finder, podOf });
  const resolver = new dns.Resolver({ timeout: 20_000, tries: 1 });
  resolver.setServers([`127.0.0.1:${server.endpoint()?.port}`]);
  return { server, resolver };
}

async function code(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then((value) => value, ({ code }) => code);
}

/** Sends packets, and gives back the first that comes. */
async function packet(server: DnsServer, bytes: Uint8Array): Promise<Uint8Array> {
  const socket = createSocket("udp4");
  const { ip, port } = server.endpoint()!;
  socket.send(bytes, port, ip);
  const [answer] = await once(socket, "message") as [Uint8Array];
  const closed = once(socket, "close");
  socket.close();
  await closed;
  return new Uint8Array(answer);
}

async function overTcp(server: DnsServer, bytes: Uint8Array): Promise<Uint8Array> {
  const { ip, port } = server.endpoint()!;
  const socket = connect({ host: ip, port });
  socket.write(withLength(bytes));
  const splitter = new MessageSplitter(65_535);
  try {
    for await (const chunk of socket as AsyncIterable<Uint8Array>) {
      for (const message of splitter.push(chunk)) return message;
    }
    throw new Error("the server has closed the connection");
  } finally {
    socket.destroy();
  }
}

function ips({ answers }: Reply): string[] {
  return answers.flatMap(({ ip }) => ip ?? []).sort();
}

Deno.test("DnsServer answers a program's own resolver: A, AAAA, SRV, PTR, CNAME, and what there is not", async () => {
  using finder = await sources({ signal: NEVER });
  const { server, resolver } = await serve(finder);
  await using _server = server;
  const web = "web.shop.svc.cluster.local";
  assert.deepEqual(await resolver.resolve4(web), ["10.0.0.7"]);
  assert.deepEqual(await resolver.resolve6(web), ["fd00:1::7"]);
  const db = "db.shop.svc.cluster.local";
  assert.deepEqual((await resolver.resolve4(db)).sort(), ["10.1.0.1", "10.1.0.2", "10.1.0.3"]);
  assert.deepEqual(await resolver.resolve4(`db-1.${db}`), ["10.1.0.2"]);
  const places = await resolver.resolveSrv(`_sql._tcp.${db}`);
  assert.deepEqual(
    places.map(({ name, port }) => `${name.replace(/\.$/, "")}:${port}`).sort(),
    [`10-1-0-3.${db}:5432`, `db-0.${db}:5432`, `db-1.${db}:5432`],
  );
  const [owner] = await resolver.resolvePtr("1.0.0.10.in-addr.arpa");
  assert.equal(owner?.replace(/\.$/, ""), "kubernetes.default.svc.cluster.local");
  const [alias] = await resolver.resolveCname("near.shop.svc.cluster.local");
  assert.equal(alias?.replace(/\.$/, ""), web);
  assert.deepEqual(await resolver.resolve4("near.shop.svc.cluster.local"), ["10.0.0.7"]);
  assert.deepEqual(await resolver.resolve4("10-1-0-9.shop.pod.cluster.local"), ["10.1.0.9"]);
});

Deno.test("DnsServer tells names that are not from names that have nothing of a type", async () => {
  using finder = await sources({ signal: NEVER });
  const { server } = await serve(finder);
  await using _server = server;
  const ask = async (name: string, type: number): Promise<[number, number]> => {
    const query = writeQuery(parseName(name)!, { id: 7, type });
    const { rcode, answers } = readReply(await packet(server, query));
    return [rcode, answers.length];
  };
  assert.deepEqual(await ask("nobody.shop.svc.cluster.local", RECORD_TYPE.A), [RCODE.noName, 0]);
  assert.deepEqual(await ask("other.lab.svc.cluster.local", RECORD_TYPE.AAAA), [0, 0]);
  assert.deepEqual(await ask("empty.shop.svc.cluster.local", RECORD_TYPE.A), [0, 0]);
  assert.deepEqual(await ask("shop.svc.cluster.local", RECORD_TYPE.A), [0, 0]);
  assert.deepEqual(await ask("nowhere.svc.cluster.local", RECORD_TYPE.A), [RCODE.noName, 0]);
});

Deno.test("DnsServer passes on all other questions, and gives back what comes", async () => {
  await using other = await OtherServer.start({
    "1 www.example.com": [{ name: EXAMPLE, type: "A", ip: "198.51.100.1" }],
    "16 www.example.com": [{ name: EXAMPLE, type: "TXT", text: "hello" }],
  });
  using finder = await sources({ servers: { "192.0.2.53": other.endpoint }, signal: NEVER });
  const { server, resolver } = await serve(finder);
  await using _server = server;
  assert.deepEqual(await resolver.resolve4("www.example.com"), ["198.51.100.1"]);
  assert.deepEqual(await resolver.resolveTxt("www.example.com"), [["hello"]]);
  assert.deepEqual(await resolver.resolve4("site.shop.svc.cluster.local"), ["198.51.100.1"]);
  assert.equal(await code(resolver.resolve4("gone.example.com")), "ENOTFOUND");
  const query = writeQuery(EXAMPLE, { id: 54_321, type: 1 });
  assert.equal(readReply(await packet(server, query)).id, 54_321);
  assert.ok(!other.asked.some((line) => line.includes("cluster.local")), "its own names stay here");
});

Deno.test("DnsServer says that there is more, and says it over TCP", async () => {
  const many = Array.from({ length: 600 }, (_, at) => ({
    addresses: [`10.9.${at >> 8}.${at & 255}`],
  }));
  const table = tableOf([service("many", { clusterIP: "None" })], [
    slice("many", many, { headless: true }),
  ]);
  using finder = await sources({ table, signal: NEVER });
  const { server, resolver } = await serve(finder);
  await using _server = server;
  const name = parseName("many.shop.svc.cluster.local")!;
  const query = writeQuery(name, { id: 1, type: RECORD_TYPE.A });
  const short = readReply(await packet(server, query));
  assert.equal(short.truncated, true);
  const plain = query.slice(0, -11); // without EDNS
  plain[11] = 0;
  const answer = await packet(server, plain);
  assert.ok(answer.length <= 512, `${answer.length} bytes`);
  const whole = readReply(await overTcp(server, query));
  assert.equal(whole.truncated, false);
  assert.equal(new Set(ips(whole)).size, 600);
  assert.equal((await resolver.resolve4("many.shop.svc.cluster.local")).length, 600);
});

Deno.test("DnsServer asks over TCP what it is asked over TCP", async () => {
  await using other = await OtherServer.start({ "1 www.example.com": "truncated" });
  using finder = await sources({ servers: { "192.0.2.53": other.endpoint }, signal: NEVER });
  const { server } = await serve(finder);
  await using _server = server;
  const query = writeQuery(EXAMPLE, { id: 1, type: 1 });
  assert.equal(readReply(await packet(server, query)).truncated, true);
  assert.deepEqual(ips(readReply(await overTcp(server, query))), ["198.51.100.99"]);
  assert.deepEqual(other.asked, ["udp 1 www.example.com", "tcp 1 www.example.com"]);
});

Deno.test("DnsServer fails soon when no other server answers, and when it may not see the cluster", async () => {
  await using other = await OtherServer.start({ "1 www.example.com": "silence" });
  const servers = { "192.0.2.53": other.endpoint };
  using finder = await sources({ servers, signal: NEVER });
  using blind = await sources({ table: new ServiceTable(), signal: NEVER });
  const [one, two] = [await serve(finder), await serve(blind)];
  await using _one = one.server;
  await using _two = two.server;
  const ask = async (server: DnsServer, name: string): Promise<number> =>
    readReply(await packet(server, writeQuery(parseName(name)!, { id: 1, type: 1 }))).rcode;
  assert.equal(await ask(one.server, "www.example.com"), RCODE.serverFailure);
  assert.equal(await ask(two.server, "web.shop.svc.cluster.local"), RCODE.serverFailure);
});

Deno.test("DnsServer answers nobody who is no pod, and what is no question in kind", async () => {
  using finder = await sources({ signal: NEVER });
  let isPod = false;
  const { server } = await serve(finder, () => isPod ? pod() : undefined);
  await using _server = server;
  const query = writeQuery(parseName("web.shop.svc.cluster.local")!, { id: 1, type: 1 });
  await assert.rejects(overTcp(server, query), /closed/);
  isPod = true;
  const said = async (change: (bytes: Uint8Array) => void): Promise<number> => {
    const bytes = query.slice();
    change(bytes);
    return (await packet(server, bytes))[3]! & 15;
  };
  assert.equal(await said((bytes) => bytes[2] = 0x28), RCODE.notImplemented);
  assert.equal(await said((bytes) => bytes[5] = 2), RCODE.formError);
  assert.equal(await said((bytes) => bytes[12] = 0xc0), RCODE.formError);
});

Deno.test("DnsServer has no more connections of a pod than its limit, and closes them at its end", async () => {
  using finder = await sources({ signal: NEVER });
  const { server } = await serve(finder);
  const { ip, port } = server.endpoint()!;
  const sockets = [];
  for (let at = 0; at < POD_CONNECTIONS_MAX; at++) {
    const socket = connect({ host: ip, port });
    socket.on("error", () => {});
    await once(socket, "connect");
    sockets.push(socket);
  }
  // Each is served, so all are counted before one more comes.
  const query = writeQuery(["web", "shop", "svc", ...DOMAIN], { id: 1, type: 1 });
  for (const socket of sockets) {
    socket.write(withLength(query));
    await once(socket, "data");
  }
  await assert.rejects(overTcp(server, query), /closed|reset/i);
  const closed = sockets.map((socket) => once(socket, "close"));
  await server[Symbol.asyncDispose]();
  await Promise.all(closed);
});

Deno.test("DnsServer ends while questions wait for other servers", async () => {
  await using other = await OtherServer.start({ "1 www.example.com": "silence" });
  using finder = await sources({
    servers: { "192.0.2.53": other.endpoint },
    resolvConf: "nameserver 192.0.2.53\noptions timeout:30\n",
    signal: NEVER,
  });
  const { server } = await serve(finder);
  const asked = overTcp(server, writeQuery(EXAMPLE, { id: 1, type: 1 })).catch(String);
  while (other.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await server[Symbol.asyncDispose]();
  assert.match(String(await asked), /closed|reset/i);
});

Deno.test("DnsServer follows the table: an answer is never older than what is known", async () => {
  const table = tableOf([service("db", { clusterIP: "None" })], [
    slice("db", [endpoint(1)], { headless: true }),
  ]);
  using finder = await sources({ table, signal: NEVER });
  const { server, resolver } = await serve(finder);
  await using _server = server;
  const name = "db.shop.svc.cluster.local";
  assert.deepEqual(await resolver.resolve4(name), ["10.1.0.1"]);
  table.applySlice(slice("db", [endpoint(2)], { headless: true }));
  assert.deepEqual(await resolver.resolve4(name), ["10.1.0.2"]);
});

Deno.test("DnsServer says so when it cannot listen, and leaves nothing open", async () => {
  using finder = await sources({ signal: NEVER });
  const addresses = ["127.0.0.1", "192.0.2.1"];
  const opened = DnsServer.open({ finder, podOf: () => undefined, addresses });
  await assert.rejects(opened, /^Error: Cannot listen for questions about names: no port is free/);
});

Deno.test("DnsServer tells a pod nothing of names that it may not look up, and says what it has told", async () => {
  await using other = await OtherServer.start({
    "1 www.example.com": [{ type: "A", name: EXAMPLE, ip: "198.51.100.7" }],
  });
  using finder = await sources({ signal: NEVER, servers: { "192.0.2.53": other.endpoint } });
  const learned: string[] = [];
  const limits = {
    mayResolve: (name: string) => /^www\.example\.com$/i.test(name),
    learned: (name: string, addresses: readonly string[]) =>
      void learned.push(`${name} ${addresses}`),
  };
  const refused: string[] = [];
  await using server = await DnsServer.open({
    finder,
    podOf: () => pod(),
    limitsOf: () => limits,
    onRefused: (_pod, { name, reason }) => void refused.push(`${name} ${reason}`),
  });
  for (const ask of [packet, overTcp]) {
    const of = async (name: string): Promise<Reply> =>
      readReply(await ask(server, writeQuery(parseName(name)!, { id: 7, type: RECORD_TYPE.A })));
    for (const name of ["secret.evil.test", "web.shop.svc.cluster.local"]) {
      const reply = await of(name);
      assert.deepEqual([reply.rcode, ips(reply)], [RCODE.noName, []]);
    }
    assert.deepEqual(ips(await of("www.example.com")), ["198.51.100.7"]);
  }
  assert.deepEqual(learned, ["www.example.com 198.51.100.7", "www.example.com 198.51.100.7"]);
  const names = ["secret.evil.test", "web.shop.svc.cluster.local"];
  assert.deepEqual(refused, [...names, ...names].map((name) => `${name} allowed-hosts`));
  assert.ok(!other.asked.some((question) => question.includes("evil")));
});

Deno.test("answerMessage() gives up in time, however long a pod lets its servers take", async () => {
  await using other = await OtherServer.start({ "1 www.example.com": "silence" });
  using finder = await sources({ signal: NEVER, servers: { "192.0.2.9": other.endpoint } });
  const patient = pod({
    dnsPolicy: "None",
    dnsConfig: {
      nameservers: ["192.0.2.9"],
      options: [{ name: "timeout", value: "30" }, { name: "attempts", value: "5" }],
    },
  });
  const asker = { pod: patient, over: "udp", signal: NEVER } as const;
  const query = writeQuery(EXAMPLE, { id: 7, type: RECORD_TYPE.A });
  const beganMs = performance.now();
  const reply = await answerMessage(query, { finder, asker, timeoutMs: 20 });
  assert.equal(readReply(reply!).rcode, RCODE.serverFailure);
  assert.ok(performance.now() - beganMs < 29_000, "one server alone may take 30 s");
});

Deno.test("DnsServer asks nobody for a pod that may not, answers what the cluster knows, and says what it refused", async () => {
  await using other = await OtherServer.start({
    "1 www.example.com": [{ type: "A", name: EXAMPLE, ip: "198.51.100.7" }],
  });
  let verdict: "allowed" | "refused" | "unknown" = "refused";
  using finder = await sources({
    signal: NEVER,
    servers: { "192.0.2.53": other.endpoint },
    mayAsk: () => verdict,
  });
  const told: string[] = [];
  await using server = await DnsServer.open({
    finder,
    podOf: () => pod(),
    onRefused: ({ metadata }, { name, reason }) =>
      void told.push(`${metadata?.name} ${name} ${reason}`),
  });
  const ask = async (name: string): Promise<[number, string[]]> => {
    const query = writeQuery(parseName(name)!, { id: 7, type: RECORD_TYPE.A });
    const reply = readReply(await packet(server, query));
    return [reply.rcode, ips(reply)];
  };
  assert.deepEqual(await ask("www.example.com"), [RCODE.refused, []]);
  // It is an alias of the cluster for a name outside.
  assert.deepEqual(await ask("site.shop.svc.cluster.local"), [RCODE.refused, []]);
  assert.deepEqual(await ask("web.shop.svc.cluster.local"), [RCODE.noError, ["10.0.0.7"]]);
  verdict = "unknown";
  assert.deepEqual(await ask("www.example.com"), [RCODE.serverFailure, []]);
  assert.deepEqual(other.asked, []);
  assert.deepEqual(told, [
    "client www.example.com policy",
    "client site.shop.svc.cluster.local policy",
  ]);
  verdict = "allowed";
  assert.deepEqual(await ask("www.example.com"), [RCODE.noError, ["198.51.100.7"]]);
});

Deno.test("DnsServer never asks by the machine's own means what may not be asked", async () => {
  const looked: string[] = [];
  const lookup = (name: string): Promise<string[]> => {
    looked.push(name);
    return Promise.resolve([]);
  };
  using finder = await sources({ signal: NEVER, resolvConf: "", lookup, mayAsk: () => "refused" });
  await using server = await DnsServer.open({ finder, podOf: () => pod() });
  const query = writeQuery(EXAMPLE, { id: 7, type: RECORD_TYPE.A });
  assert.equal(readReply(await packet(server, query)).rcode, RCODE.refused);
  assert.deepEqual(looked, []);
});
