/** The functions that are about no file: each does its work, and says why it cannot. */
import assert from "node:assert/strict";
import { CALL_NAMES, CLOCK, EVENT, EVENT_BYTES, PREVIEW1, RIGHT } from "../abi.ts";
import { FREE, HOSTS, Probe, Scratch } from "../testing/probe.ts";
import { type SocketProbe, testSocketHosts } from "../testing/socket_probe.ts";

const OUT = FREE + 4_096;
const ARGS = ["prog", "two words", "", "žluť"];
const ENV = { HOME: "/", EMPTY: "" };
const NUL = "\0";

/** The texts that a `_get` hands out, by its own counts. */
function texts(probe: Probe, name: "args" | "environ"): string[] {
  assert.equal(probe.call(`${name}_sizes_get`, OUT, OUT + 4), "success");
  const [count, bytes] = [probe.view.getUint32(OUT, true), probe.view.getUint32(OUT + 4, true)];
  assert.equal(probe.call(`${name}_get`, OUT, OUT + 1_024), "success");
  const all = probe.get(OUT + 1_024, bytes).split(NUL).slice(0, -1);
  assert.equal(all.length, count);
  for (const [index, text] of all.entries()) {
    const at = probe.view.getUint32(OUT + 4 * index, true);
    assert.equal(probe.get(at, new TextEncoder().encode(text).length + 1), text + NUL);
  }
  return all;
}

function sizes(probe: Probe, name: "args" | "environ", expected: readonly string[]): void {
  const bytes = new TextEncoder().encode(expected.join(NUL) + NUL).length;
  assert.equal(probe.call(`${name}_sizes_get`, OUT, OUT + 4), "success");
  assert.equal(probe.view.getUint32(OUT, true), expected.length);
  assert.equal(probe.view.getUint32(OUT + 4, true), bytes);
  assert.equal(probe.call(`${name}_sizes_get`, OUT, -4), "fault");
}

/** Subscriptions of 48 bytes to a clock or a descriptor, as `[type, number, timeout]`. */
function poll(probe: Probe, wanted: readonly (readonly [number, number, bigint?])[]): unknown[] {
  const { bytes, clock } = PREVIEW1.subscription;
  for (const [index, [type, number, timeout = 0n]] of wanted.entries()) {
    const at = FREE + index * bytes;
    probe.bytes.fill(0, at, at + bytes);
    probe.view.setBigUint64(at, BigInt(index), true);
    probe.view.setUint8(at + 8, type);
    probe.view.setUint32(at + (type === EVENT.clock ? clock : 16), number, true);
    if (type === EVENT.clock) probe.view.setBigUint64(at + clock + 8, timeout, true);
  }
  assert.equal(probe.call("poll_oneoff", FREE, OUT, wanted.length, OUT - 4), "success");
  return Array.from({ length: probe.view.getUint32(OUT - 4, true) }, (_, index) => {
    const at = OUT + index * EVENT_BYTES;
    return [Number(probe.view.getBigUint64(at, true)), probe.view.getUint16(at + 8, true)];
  });
}

const BADF = 8;
const INVAL = 28;

/** What each function does, and what it refuses. */
const CASES: Readonly<Record<string, (probe: Probe) => void>> = {
  args_sizes_get: (probe) => sizes(probe, "args", ARGS),
  args_get(probe): void {
    assert.deepEqual(texts(probe, "args"), ARGS);
    assert.equal(probe.call("args_get", -4, OUT), "fault");
    assert.equal(probe.call("args_get", OUT, -4), "fault");
  },
  environ_sizes_get: (probe) => sizes(probe, "environ", ["HOME=/", "EMPTY="]),
  environ_get(probe): void {
    assert.deepEqual(texts(probe, "environ"), ["HOME=/", "EMPTY="]);
    assert.equal(probe.call("environ_get", -4, OUT), "fault");
    assert.equal(probe.call("environ_get", OUT, -4), "fault");
  },
  clock_res_get(probe): void {
    for (const clock of Object.values(CLOCK)) {
      assert.equal(probe.call("clock_res_get", clock, OUT), "success");
      const resolution = probe.view.getBigUint64(OUT, true);
      assert.ok(resolution > 0n && resolution <= 10_000_000n, `${resolution} ns`);
    }
    for (const unknown of [4, -1]) assert.equal(probe.call("clock_res_get", unknown, OUT), "inval");
  },
  clock_time_get(probe): void {
    const time = (clock: number): bigint => {
      assert.equal(probe.call("clock_time_get", clock, 1n, OUT), "success");
      return probe.view.getBigUint64(OUT, true);
    };
    const before = BigInt(Date.now()) * 1_000_000n;
    const now = time(CLOCK.realtime);
    assert.ok(now >= before - 1_000_000n && now <= before + 1_000_000_000n);
    for (const clock of Object.values(CLOCK)) assert.ok(time(clock) <= time(clock), `${clock}`);
    assert.equal(probe.call("clock_time_get", 4, 1n, OUT), "inval");
  },
  fd_renumber(probe): void {
    const [from, to] = [3, probe.mustOpen(3, ".", { rights: RIGHT.fdRead })];
    assert.equal(probe.call("fd_renumber", from, to), "success");
    assert.equal(probe.call("fd_renumber", from, to), "badf");
    assert.equal(probe.call("fd_renumber", to, to), "success");
    assert.equal(probe.call("fd_prestat_get", to, OUT), "success");
  },
  poll_oneoff(probe): void {
    const { clock, fdRead, fdWrite } = EVENT;
    assert.deepEqual(poll(probe, [[clock, CLOCK.monotonic, 1_000_000n]]), [[0, 0]]);
    assert.deepEqual(poll(probe, [[clock, CLOCK.realtime, 3_600_000_000_000n], [fdWrite, 1]]), [
      [1, 0],
    ]);
    assert.deepEqual(poll(probe, [[fdRead, 99], [clock, 77]]), [[0, BADF], [1, INVAL]]);
    assert.equal(probe.call("poll_oneoff", FREE, OUT, 0, OUT - 4), "inval");
  },
  proc_exit(probe): void {
    assert.throws(() => probe.call("proc_exit", 7), /^Error: exit 7$/);
  },
  // There are no signals, and so nothing that it could do.
  proc_raise: (probe) => assert.equal(probe.call("proc_raise", 2), "notsup"),
  random_get(probe): void {
    for (const at of [OUT, OUT + 64]) assert.equal(probe.call("random_get", at, 64), "success");
    assert.notDeepEqual(probe.bytes.slice(OUT, OUT + 64), probe.bytes.slice(OUT + 64, OUT + 128));
    assert.equal(probe.call("random_get", probe.bytes.length - 3, 4), "fault");
  },
  // It has no way to fail.
  sched_yield: (probe) => assert.equal(probe.call("sched_yield"), "success"),
};

for (const [kind, host] of HOSTS) {
  for (const [name, run] of Object.entries(CASES)) {
    Deno.test(`${name}() does its work, and says why it cannot (${kind})`, () => {
      using scratch = new Scratch();
      using probe = new Probe(host, {
        args: ARGS,
        env: ENV,
        stdout: () => {},
        preopens: [{ hostPath: scratch.box, guestPath: "/" }],
      });
      run(probe);
    });
  }
}

/** A connection to a listener of the guest: its own end, and ours. */
async function accepted(probe: SocketProbe): Promise<{ fd: number; peer: Deno.Conn }> {
  const { fd, port } = await probe.mustListen();
  const peer = await Deno.connect({ port });
  const connection = await probe.accept(fd);
  assert.ok(typeof connection === "number", String(connection));
  return { fd: connection, peer };
}

/** A descriptor that is no socket, and one that is not open. */
const NO_SOCKETS = [[0, "notsock"], [99, "badf"]] as const;

const SOCKETS: Readonly<Record<string, (probe: SocketProbe) => Promise<void>>> = {
  async sock_accept(probe): Promise<void> {
    (await accepted(probe)).peer.close();
    for (const [fd, errno] of NO_SOCKETS) assert.equal(await probe.accept(fd), errno);
  },
  async sock_recv(probe): Promise<void> {
    const { fd, peer } = await accepted(probe);
    await peer.write(new TextEncoder().encode("there"));
    assert.deepEqual(await probe.receive(fd, 5, 2), { text: "there", truncated: false });
    for (const [fd, errno] of NO_SOCKETS) assert.equal(await probe.receive(fd, 5), errno);
    peer.close();
  },
  async sock_send(probe): Promise<void> {
    const { fd, peer } = await accepted(probe);
    assert.equal(await probe.send(fd, "back"), 4);
    const bytes = new Uint8Array(8);
    assert.equal(await peer.read(bytes), 4);
    assert.equal(new TextDecoder().decode(bytes.subarray(0, 4)), "back");
    for (const [fd, errno] of NO_SOCKETS) assert.equal(await probe.send(fd, "x"), errno);
    peer.close();
  },
  async sock_shutdown(probe): Promise<void> {
    const { fd, peer } = await accepted(probe);
    assert.equal(await probe.callLong("sock_shutdown", fd, 2), "success");
    assert.equal(await peer.read(new Uint8Array(8)), null);
    assert.equal(await probe.callLong("sock_shutdown", fd, 4), "inval");
    for (const [fd, errno] of NO_SOCKETS) {
      assert.equal(await probe.callLong("sock_shutdown", fd, 2), errno);
    }
    peer.close();
  },
};

for (const [name, run] of Object.entries(SOCKETS)) {
  testSocketHosts(`${name}() does its work, and says why it cannot`, (probe) => run(probe));
}

Deno.test("every function that is about no file has its case", () => {
  const about = (name: string): boolean => /^(fd|path)_/.test(name) && name !== "fd_renumber";
  const others = [...CALL_NAMES].filter((name) => !about(name));
  assert.deepEqual([...Object.keys(CASES), ...Object.keys(SOCKETS)].sort(), others.sort());
});
