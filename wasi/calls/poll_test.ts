import assert from "node:assert/strict";
import { CLOCK, EVENT, OFLAG, UNSTABLE } from "../abi.ts";
import { errnoName } from "../errno.ts";
import type { System, Wait } from "../host/host.ts";
import { FREE, HOSTS, Probe, testHosts } from "../testing/probe.ts";

const EVENTS = FREE + 4_096;
const USED = FREE + 8_192;
const MS = 1_000_000n;

interface Subscription {
  readonly type: number;
  readonly fd?: number;
  readonly clock?: number;
  readonly timeoutNs?: bigint;
  readonly absolute?: boolean;
}

/** Polls; each event as `[userdata, errno, type]`. Userdata counts from 10. */
function poll(probe: Probe, subscriptions: readonly Subscription[]): [number, string, number][] {
  for (const [index, wanted] of subscriptions.entries()) {
    const at = FREE + index * 48;
    probe.bytes.fill(0, at, at + 48);
    probe.view.setBigUint64(at, BigInt(10 + index), true);
    probe.view.setUint8(at + 8, wanted.type);
    probe.view.setUint32(at + 16, wanted.fd ?? wanted.clock ?? CLOCK.monotonic, true);
    probe.view.setBigUint64(at + 24, wanted.timeoutNs ?? 0n, true);
    probe.view.setUint16(at + 40, wanted.absolute ? 1 : 0, true);
  }
  assert.equal(probe.call("poll_oneoff", FREE, EVENTS, subscriptions.length, USED), "success");
  return Array.from({ length: probe.view.getUint32(USED, true) }, (_, index) => {
    const at = EVENTS + index * 32;
    return [
      Number(probe.view.getBigUint64(at, true)),
      errnoName(probe.view.getUint16(at + 8, true)),
      probe.view.getUint8(at + 10),
    ];
  });
}

testHosts("poll_oneoff() sleeps for the shortest clock", (probe) => {
  const begin = performance.now();
  const events = poll(probe, [
    { type: EVENT.clock, timeoutNs: 60_000n * MS },
    { type: EVENT.clock, timeoutNs: 20n * MS },
  ]);
  const tookMs = performance.now() - begin;
  assert.deepEqual(events, [[11, "success", EVENT.clock]]);
  assert.ok(tookMs >= 19.9 && tookMs < 10_000, `${tookMs} ms`);
});

Deno.test("poll_oneoff() tells once that a guest is idle, after ten seconds in one call", () => {
  const [[, real]] = HOSTS as [typeof HOSTS[number]];
  const waited: bigint[] = [];
  let nowNs = 0n;
  const wait = (_: readonly Wait[], timeoutNs = 0n): number => {
    waited.push(timeoutNs / (1_000n * MS));
    nowNs += timeoutNs;
    return 0;
  };
  const host = { kind: real.kind, wait, clockNs: () => nowNs } as unknown as System;
  let idle = 0;
  using probe = new Probe(host, { onIdle: () => idle++ });
  const sleep = (seconds: bigint): [bigint[], number] => {
    poll(probe, [{ type: EVENT.clock, timeoutNs: seconds * 1_000n * MS }]);
    return [waited.splice(0), idle];
  };
  assert.deepEqual(sleep(9n), [[9n], 0]);
  assert.deepEqual(sleep(10n), [[10n], 0]);
  assert.deepEqual(sleep(60n), [[10n, 50n], 1]);
  assert.deepEqual(sleep(60n), [[60n], 1]);
});

testHosts("poll_oneoff() takes points in time of both clocks", (probe) => {
  for (const clock of [CLOCK.realtime, CLOCK.monotonic]) {
    assert.equal(probe.call("clock_time_get", clock, 0n, FREE), "success");
    const now = probe.view.getBigUint64(FREE, true);
    const begin = performance.now();
    const wanted = { type: EVENT.clock, clock, absolute: true };
    assert.equal(poll(probe, [{ ...wanted, timeoutNs: now + 20n * MS }]).length, 1);
    assert.ok(performance.now() - begin >= 15);
    assert.equal(poll(probe, [{ ...wanted, timeoutNs: 1n }]).length, 1);
  }
});

testHosts("poll_oneoff() finds files and closed streams ready", (probe) => {
  const fd = probe.mustOpen(3, "file", { oflags: OFLAG.creat });
  probe.write(fd, "12345");
  probe.seek(fd, 2n, 0);
  const events = poll(probe, [
    { type: EVENT.fdRead, fd },
    { type: EVENT.fdWrite, fd },
    { type: EVENT.clock, timeoutNs: 60_000n * MS },
  ]);
  assert.deepEqual(events, [[10, "success", EVENT.fdRead], [11, "success", EVENT.fdWrite]]);
  assert.equal(probe.view.getBigUint64(EVENTS + 16, true), 3n);
  const streams = poll(probe, [{ type: EVENT.fdRead, fd: 0 }, { type: EVENT.fdWrite, fd: 1 }]);
  assert.deepEqual(streams, [[10, "success", EVENT.fdRead], [11, "success", EVENT.fdWrite]]);
  assert.equal(probe.view.getUint16(EVENTS + 24, true), 1, "hangup");
});

testHosts("poll_oneoff() tells of a bad subscription in its event", (probe) => {
  const events = poll(probe, [
    { type: EVENT.fdRead, fd: 77 },
    { type: EVENT.clock, clock: 9 },
    { type: 3 },
  ]);
  assert.deepEqual(events.map(([, errno]) => errno), ["badf", "inval", "inval"]);
  assert.equal(probe.call("poll_oneoff", FREE, EVENTS, 0, USED), "inval");
  assert.equal(probe.call("poll_oneoff", FREE, EVENTS, 0x7fff_ffff, USED), "inval");
});

for (const [name, host] of HOSTS) {
  Deno.test(`wasi_unstable has its own layouts (${name})`, () => {
    const box = Deno.makeTempDirSync();
    using probe = new Probe(host, {
      preopens: [{ hostPath: box, guestPath: "/" }],
      layout: UNSTABLE,
    });
    const fd = probe.mustOpen(3, "file", { oflags: OFLAG.creat });
    probe.write(fd, "12345");
    assert.equal(probe.seek(fd, -1n, 0), 4n, "0 is cur");
    assert.equal(probe.seek(fd, -2n, 1), 3n, "1 is end");
    assert.equal(probe.seek(fd, 1n, 2), 1n, "2 is set");
    assert.equal(probe.call("fd_filestat_get", fd, FREE), "success");
    assert.equal(probe.view.getUint32(FREE + 20, true), 1, "nlink");
    assert.equal(probe.view.getBigUint64(FREE + 24, true), 5n, "size");
    probe.bytes.fill(0, FREE, FREE + 56);
    probe.view.setUint32(FREE + 24, CLOCK.monotonic, true);
    probe.view.setBigUint64(FREE + 32, 1n, true);
    assert.equal(probe.call("poll_oneoff", FREE, EVENTS, 1, USED), "success");
    assert.equal(probe.view.getUint16(EVENTS + 8, true), 0);
    Deno.removeSync(box, { recursive: true });
  });
}
