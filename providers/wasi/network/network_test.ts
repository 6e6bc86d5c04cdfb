/** Guests in processes of their own, whose sockets lead to a network that the test makes up. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { ContainerRun, Exit } from "../../../lib/mod.ts";
import type { WasiProviderOptions } from "../wasi_provider.ts";
import { guestProcesses, openFixture, SLEEPS, until, type WasiFixture } from "../testing.ts";
import { QUESTIONS_BURST, QUESTIONS_PER_S_MAX } from "../limits.ts";
import {
  allow,
  ASKS,
  at,
  ECHOES,
  exitWith,
  FakeNetwork,
  HOLDS,
  inBlock,
  open,
  SENDS,
  serveAt,
  socketGuest,
} from "../testing_network.ts";

const linux = Deno.build.os === "linux";
const LOCAL = "127.0.0.1";
const POD = "127.7.7.7";
const ERRNO = { acces: 2, connrefused: 14, inval: 28, netdown: 38 } as const;
/** A guest that runs. */
interface Running {
  readonly exit: Promise<Exit>;
  readonly stop: AbortController;
  readonly kill: AbortController;
}

function begin({ provider }: WasiFixture, container: ContainerRun): Running {
  const [stop, kill] = [new AbortController(), new AbortController()];
  const exit = provider.run(container, {
    onStarted: () => {},
    stop: stop.signal,
    kill: kill.signal,
  });
  exit.catch(() => {}); // told to whoever waits
  return { exit, stop, kill };
}

function freePort(): number {
  using listener = Deno.listen({ hostname: LOCAL, port: 0 });
  return listener.addr.port;
}

/** Sends a text and reads what comes back, once somebody listens. */
async function echo({ exit }: Running, port: number): Promise<string> {
  let ended: Exit | undefined;
  void exit.then((exit) => ended = exit);
  using connection = await until(async () => {
    assert.equal(ended, undefined, "it has ended");
    return await Deno.connect({ hostname: POD, port }).catch(() => undefined);
  });
  await connection.write(new TextEncoder().encode("hello"));
  const buffer = new Uint8Array(16);
  const count = await connection.read(buffer);
  return new TextDecoder().decode(buffer.subarray(0, count ?? 0));
}

/** A network whose pod has an address of its own. */
function podNetwork(): FakeNetwork {
  const network = new FakeNetwork();
  network.decide = (request) =>
    request.want !== "resolve" && request.want === "bind" && request.endpoint.ip === "0.0.0.0"
      ? { endpoint: { ip: POD, port: request.endpoint.port } }
      : allow(request);
  return network;
}

const PROCESS = "krustlet-process";
const WORKER = "krustlet-worker";
const PORTABLE = { host: "portable" } as const;
const OVER_TCP = { host: "portable", deskOver: "tcp" } as const;

for (
  const [how, runtimeHandler, { threads = false, ...host }] of [
    ["a process", PROCESS, {}],
    ["a Worker", WORKER, {}],
    ["threads", PROCESS, { threads: true }],
    ["threads that may not share a process", WORKER, { threads: true }],
    ["the portable host", PROCESS, PORTABLE],
    ["the portable host, over TCP", PROCESS, OVER_TCP],
    ["threads on the portable host", PROCESS, { ...PORTABLE, threads: true }],
  ] as [string, string, Partial<WasiProviderOptions> & { threads?: boolean }][]
) {
  Deno.test({
    name: `a guest serves at its pod's address until it is to stop (${how})`,
    ignore: !linux,
    async fn(): Promise<void> {
      await using fixture = await openFixture({ poolSize: 0, ...host });
      const network = podNetwork();
      const port = freePort();
      const wat = socketGuest(serveAt(port) + ECHOES, { threads });
      const container = await fixture.guestOf(wat, { network, runtimeHandler });
      const guest = begin(fixture, container);
      assert.equal(await echo(guest, port), "hello");
      await assert.rejects(Deno.connect({ hostname: LOCAL, port }), "it is bound to its pod alone");
      assert.deepEqual(network.asked, [
        { want: "bind", protocol: "tcp", endpoint: { ip: "0.0.0.0", port } },
      ]);
      guest.stop.abort();
      assert.deepEqual(await guest.exit, { kind: "exited", code: ERRNO.inval });
      await until(() => Promise.resolve(network.listening === 0));
    },
  });

  Deno.test({
    name: `a guest that asks while it is told to stop does so (${how})`,
    ignore: !linux,
    async fn(): Promise<void> {
      await using fixture = await openFixture({ poolSize: 0, ...host });
      const network = podNetwork();
      const port = freePort();
      const bind = network.decide;
      network.guarded = true;
      network.decide = (request) => {
        if (request.want === "accept") guest.stop.abort();
        return bind(request);
      };
      const wat = socketGuest(serveAt(port) + ECHOES, { threads });
      const guest = begin(fixture, await fixture.guestOf(wat, { network, runtimeHandler }));
      assert.equal(await echo(guest, port), "hello");
      assert.deepEqual(await guest.exit, { kind: "exited", code: ERRNO.inval });
    },
  });

  Deno.test({
    name: `a guest that listens after it was told to stop takes nobody (${how})`,
    ignore: !linux,
    async fn(): Promise<void> {
      await using fixture = await openFixture({ poolSize: 0, ...host });
      const network = podNetwork();
      const [port, later] = [freePort(), freePort()];
      const accept = "(call $sock_accept (global.get $fd) (i32.const 0) (i32.const 0))";
      const wat = socketGuest(
        `${serveAt(port)} (drop ${accept}) ${serveAt(later)} ${exitWith(accept)}`,
        { threads },
      );
      const guest = begin(fixture, await fixture.guestOf(wat, { network, runtimeHandler }));
      await until(() => Promise.resolve(network.asked.length === 1 || undefined));
      guest.stop.abort();
      assert.deepEqual(await guest.exit, { kind: "exited", code: ERRNO.inval });
      assert.equal(network.asked.length, 2);
    },
  });

  Deno.test({
    name: `a guest is told why it may not connect (${how})`,
    ignore: !linux,
    async fn(): Promise<void> {
      await using fixture = await openFixture({ poolSize: 0, ...host });
      const network = new FakeNetwork();
      network.decide = () => ({ refused: "connrefused" });
      const code = open(2) + exitWith(at("sock_connect", "10.96.0.1", 443));
      const wat = socketGuest(code, { threads });
      const container = await fixture.guestOf(wat, { network, runtimeHandler });
      const guest = begin(fixture, container);
      assert.deepEqual(await guest.exit, { kind: "exited", code: ERRNO.connrefused });
    },
  });
}

/** Every host that this machine has. */
const HOSTS: [string, Partial<WasiProviderOptions>][] = [
  ["libc", {}],
  ["portable", PORTABLE],
];

Deno.test({
  name: "a guest whose run has no network can make no socket",
  ignore: !linux,
  async fn(): Promise<void> {
    await using fixture = await openFixture({ poolSize: 0 });
    const wat = socketGuest(
      exitWith("(call $sock_open (i32.const 1) (i32.const 2) (i32.const 0))"),
    );
    const guest = begin(fixture, await fixture.guestOf(wat));
    assert.deepEqual(await guest.exit, { kind: "exited", code: ERRNO.acces });
  },
});

Deno.test("a guest whose run has no network can use no socket on the portable host", async () => {
  await using fixture = await openFixture({ poolSize: 0, ...PORTABLE });
  const [local, anywhere] = [at("sock_connect", LOCAL, 1), at("sock_bind", "0.0.0.0", 0)];
  for (const tries of [local, anywhere]) {
    const guest = begin(fixture, await fixture.guestOf(socketGuest(open(2) + exitWith(tries))));
    assert.deepEqual(await guest.exit, { kind: "exited", code: ERRNO.acces });
  }
});

for (const [how, host] of HOSTS) {
  Deno.test({
    name: `a module that can accept and not bind finds itself listening (${how})`,
    ignore: !linux,
    async fn(): Promise<void> {
      await using fixture = await openFixture({ poolSize: 0, ...host });
      const network = new FakeNetwork();
      const port = freePort();
      network.listeners = [{ ip: POD, port }];
      const wat = socketGuest(`(global.set $fd (i32.const 3)) ${ECHOES}`);
      const guest = begin(fixture, await fixture.guestOf(wat, { network }));
      assert.equal(await echo(guest, port), "hello");
      assert.deepEqual(network.asked, [], "nobody need ask for what was given");
      guest.stop.abort();
      assert.deepEqual(await guest.exit, { kind: "exited", code: ERRNO.inval });
    },
  });
}

for (const [how, host] of HOSTS) {
  Deno.test({
    name:
      `while a pod is guarded it takes connections that it may, as soon as that changes (${how})`,
    ignore: !linux,
    async fn(): Promise<void> {
      await using fixture = await openFixture({ poolSize: 0, ...host });
      const network = podNetwork();
      const port = freePort();
      const guest = begin(
        fixture,
        await fixture.guestOf(socketGuest(serveAt(port) + ECHOES), { network }),
      );
      assert.equal(await echo(guest, port), "hello");
      const bind = network.decide;
      network.decide = (request) =>
        request.want === "accept" ? { refused: "acces" } : bind(request);
      assert.equal(await echo(guest, port), "hello", "nobody is asked yet");
      network.guarded = true;
      await until(async () => await echo(guest, port).catch(() => "") === "");
      const accept = network.asked.find(({ want }) => want === "accept");
      assert.ok(accept?.want === "accept");
      assert.deepEqual(accept.local, { ip: POD, port });
      network.guarded = false;
      await until(async () => await echo(guest, port).catch(() => "") === "hello");
      guest.kill.abort();
      assert.deepEqual(await guest.exit, { kind: "killed" });
    },
  });
}

for (const [how, host] of HOSTS) {
  Deno.test({
    name:
      `a program beside a container has its pod's network, and no listeners of its own (${how})`,
    ignore: !linux,
    async fn(): Promise<void> {
      await using fixture = await openFixture({ poolSize: 0, ...host });
      const network = podNetwork();
      const port = freePort();
      network.listeners = [{ ip: POD, port }];
      const server = await fixture.guestOf(
        socketGuest(`(global.set $fd (i32.const 3)) ${ECHOES}`),
        { network },
      );
      const guest = begin(fixture, server);
      assert.equal(await echo(guest, port), "hello");
      const client = await fixture.guestOf(
        socketGuest(open(2) + exitWith(at("sock_connect", POD, port))),
      );
      const beside = { kill: new AbortController().signal, onOutput: (): void => {} };
      const told = await fixture.provider.exec(
        { container: server, module: client.module, argv: ["client"] },
        beside,
      );
      assert.deepEqual(told, { kind: "exited", code: 0 });
      const again = await fixture.provider.exec(
        { container: server, module: server.module, argv: ["server"] },
        beside,
      );
      assert.equal(again.kind, "exited", "it finds no listener, and does not want its container's");
      guest.stop.abort();
      await guest.exit;
    },
  });
}

/** How many sockets a process has. */
async function socketsOf(pid: number): Promise<number> {
  let sockets = 0;
  for await (const { name } of Deno.readDir(`/proc/${pid}/fd`)) {
    const target = await Deno.readLink(`/proc/${pid}/fd/${name}`).catch(() => "");
    if (target.startsWith("socket:")) sockets++;
  }
  return sockets;
}

Deno.test({
  name: "a process keeps no way to the agent for a guest that has no network",
  ignore: !linux,
  async fn(): Promise<void> {
    const network = new FakeNetwork();
    const counts: number[] = [];
    const asks = `(drop (call $sock_open (i32.const 1) (i32.const 2) (i32.const 0)))`;
    const sleeps = `(i32.store (i32.const 16) (i32.const 1))
      (i64.store (i32.const 24) (i64.const 3600000000000))
      (drop (call $poll_oneoff (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))`;
    for (
      const [wat, more] of [
        [SLEEPS, {}],
        [SLEEPS, { network }],
        [socketGuest(asks + sleeps), {}],
        [socketGuest(asks + sleeps), { network }],
      ] as const
    ) {
      await using fixture = await openFixture({ poolSize: 0 });
      const started = Promise.withResolvers<void>();
      const kill = new AbortController();
      const exit = fixture.provider.run(await fixture.guestOf(wat, more), {
        onStarted: started.resolve,
        stop: new AbortController().signal,
        kill: kill.signal,
      });
      await started.promise;
      const [pid] = await guestProcesses(fixture.folder);
      // Sleeping is the last thing that it does.
      await until(async () => (await Deno.readTextFile(`/proc/${pid}/stat`)).includes(") S "));
      counts.push(await socketsOf(pid!));
      kill.abort();
      await exit;
    }
    const [none, unused, withoutNetwork, whole] = counts;
    assert.equal(unused, none, "it imports no sockets");
    assert.equal(withoutNetwork, none, "there is no network");
    assert.equal(
      whole,
      none! + 2,
      "the way to the agent, and its own: the others kept nothing open",
    );
  },
});

for (const [how, host] of HOSTS) {
  Deno.test({
    name: `a guest holds 5,000 idle connections, and is asked about once (${how})`,
    ignore: !linux,
    async fn(): Promise<void> {
      await using fixture = await openFixture({ poolSize: 0, ...host });
      const network = podNetwork();
      const port = freePort();
      const wat = socketGuest(serveAt(port) + HOLDS);
      const guest = begin(fixture, await fixture.guestOf(wat, { network }));
      assert.equal(await until(() => connects(port)), true);
      const connections: Deno.Conn[] = [];
      try {
        while (connections.length < 5_000) {
          connections.push(await Deno.connect({ hostname: POD, port }));
        }
        const [pid] = await guestProcesses(fixture.folder);
        await until(async () => await socketsOf(pid!) > 5_000);
        assert.equal(network.asked.length, 1);
        guest.stop.abort();
        assert.deepEqual(await guest.exit, { kind: "exited", code: ERRNO.inval });
      } finally {
        for (const connection of connections) connection.close();
      }
    },
  });
}

async function connects(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: POD, port })).close();
    return true;
  } catch {
    return false;
  }
}

for (const [how, host] of HOSTS) {
  Deno.test({
    name:
      `a guest that floods the agent with questions is slowed, and others are answered (${how})`,
    ignore: !linux,
    async fn(): Promise<void> {
      await using fixture = await openFixture({ poolSize: 0, ...host });
      const flooded = new FakeNetwork();
      flooded.decide = () => ({ refused: "acces" });
      const sinceMs = performance.now();
      const flood = begin(
        fixture,
        await fixture.guestOf(socketGuest(open(2) + ASKS), { network: flooded }),
      );
      await until(() => Promise.resolve(flooded.asked.length > QUESTIONS_BURST));
      const network = podNetwork();
      const port = freePort();
      const other = begin(
        fixture,
        await fixture.guestOf(socketGuest(serveAt(port) + ECHOES), { network }),
      );
      assert.equal(await echo(other, port), "hello");
      other.stop.abort();
      await other.exit;
      await until(() => Promise.resolve(flooded.asked.length > 3 * QUESTIONS_BURST));
      const most = QUESTIONS_BURST + QUESTIONS_PER_S_MAX * (performance.now() - sinceMs) / 1_000;
      assert.ok(flooded.asked.length <= most + 1, `${flooded.asked.length} of ${most}`);
      flood.kill.abort();
      assert.deepEqual(await flood.exit, { kind: "killed" });
    },
  });
}

for (const [how, host] of HOSTS) {
  Deno.test({
    name: `a guest reaches what the agent says, and from where it says (${how})`,
    ignore: !linux,
    async fn(): Promise<void> {
      await using fixture = await openFixture({ poolSize: 0, ...host });
      using listener = Deno.listen({ hostname: LOCAL, port: 0 });
      const datagrams = createSocket("udp4");
      const bound = once(datagrams, "listening");
      datagrams.bind(0, LOCAL);
      await bound;
      const { port } = datagrams.address();
      const network = new FakeNetwork();
      network.decide = (request) => {
        assert.ok(request.want === "connect", request.want);
        const to = request.protocol === "tcp" ? listener.addr.port : port;
        return { endpoint: { ip: LOCAL, port: to }, source: { ip: POD, port: 0 } };
      };
      const service = at("sock_connect", "10.96.0.1", 443);
      for (const type of [2, 1] as const) {
        const code = `${open(type)} (call $must ${inBlock(service)}) ${exitWith(SENDS)}`;
        const came = type === 2 ? listener.accept() : once(datagrams, "message");
        const guest = begin(fixture, await fixture.guestOf(socketGuest(code), { network }));
        assert.deepEqual(await guest.exit, { kind: "exited", code: 0 });
        const peer = await came;
        if (Array.isArray(peer)) {
          assert.deepEqual([String(peer[0]), peer[1].address], ["hi", POD]);
        } else {
          using connection = peer;
          assert.equal(await new Response(connection.readable).text(), "hi");
          assert.equal((connection.remoteAddr as Deno.NetAddr).hostname, POD);
        }
      }
      datagrams.close();
      await once(datagrams, "close");
    },
  });

  Deno.test({
    name: `a guest is gone in the middle of its question (${how})`,
    ignore: !linux,
    async fn(): Promise<void> {
      await using fixture = await openFixture({ poolSize: 0, ...host });
      const network = new FakeNetwork();
      network.decide = () => new Promise(() => {});
      const wat = socketGuest(open(2) + exitWith(at("sock_connect", "10.96.0.1", 443)));
      const guest = begin(fixture, await fixture.guestOf(wat, { network }));
      await until(() => Promise.resolve(network.asked.length === 1));
      guest.kill.abort();
      assert.deepEqual(await guest.exit, { kind: "killed" });
      await until(() => Promise.resolve(network.listening === 0));
    },
  });
}

Deno.test({
  name: "a guest on the portable host ends with its agent, so that its port is free again",
  ignore: !linux,
  async fn(): Promise<void> {
    await using fixture = await openFixture({ poolSize: 0, ...PORTABLE });
    const port = freePort();
    const { module } = await fixture.guestOf(socketGuest(serveAt(port) + ECHOES));
    const url = new URL("../testing_agent.ts", import.meta.url).href;
    const agent = new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", url, "portable", fixture.folder, module.path],
      stdin: "null",
      stdout: "null",
      stderr: "inherit",
    }).spawn();
    await until(async () => {
      const connection = await Deno.connect({ hostname: LOCAL, port }).catch(() => undefined);
      connection?.close();
      return connection !== undefined;
    });
    agent.kill("SIGKILL");
    await agent.status;
    await until(async () => (await guestProcesses(fixture.folder)).length === 0);
    Deno.listen({ hostname: "0.0.0.0", port }).close();
  },
});
