import assert from "node:assert/strict";
import { CALL_NAMES, CLOCK, SOCKET_CALL_NAMES } from "../abi.ts";
import { FREE, HOSTS, Probe, testHosts } from "../testing/probe.ts";

Deno.test("guestCalls() gives the 46 functions of preview 1, and those of the sockets", () => {
  using probe = new Probe(HOSTS[0]![1]);
  assert.equal(CALL_NAMES.size, 46);
  const names = [...CALL_NAMES, ...SOCKET_CALL_NAMES];
  assert.deepEqual(Object.keys(probe.calls).sort(), names.sort());
});

Deno.test("args_get() and environ_get() hand out bytes, not characters", () => {
  using probe = new Probe(HOSTS[0]![1], { args: ["prog", "žluť 🐎", ""], env: { A: "b=c" } });
  const size = new TextEncoder().encode("prog\0žluť 🐎\0\0").length;
  assert.equal(probe.call("args_sizes_get", FREE, FREE + 4), "success");
  assert.equal(probe.view.getUint32(FREE, true), 3);
  assert.equal(probe.view.getUint32(FREE + 4, true), size);
  assert.equal(probe.call("args_get", FREE, FREE + 64), "success");
  assert.equal(probe.get(FREE + 64, size), "prog\0žluť 🐎\0\0");
  assert.equal(probe.view.getUint32(FREE + 4, true), FREE + 64 + 5);
  assert.equal(probe.call("environ_sizes_get", FREE, FREE + 4), "success");
  assert.equal(probe.view.getUint32(FREE, true), 1);
  assert.equal(probe.call("environ_get", FREE, FREE + 64), "success");
  assert.equal(probe.get(FREE + 64, 6), "A=b=c\0");
  assert.equal(probe.call("args_get", FREE, probe.bytes.length - 4), "fault");
});

testHosts("clocks tell the time, and go on", (probe) => {
  const time = (clock: number): bigint => {
    assert.equal(probe.call("clock_time_get", clock, 0n, FREE), "success");
    return probe.view.getBigUint64(FREE, true);
  };
  const nowMs = Number(time(CLOCK.realtime) / 1_000_000n);
  assert.ok(Math.abs(nowMs - Date.now()) < 60_000);
  for (const clock of Object.values(CLOCK)) {
    assert.ok(time(clock) <= time(clock));
    assert.equal(probe.call("clock_res_get", clock, FREE), "success");
    assert.ok(probe.view.getBigUint64(FREE, true) > 0n);
  }
  assert.equal(probe.call("clock_time_get", 4, 0n, FREE), "inval");
  assert.equal(probe.call("clock_res_get", -1, FREE), "inval");
});

testHosts("random_get() fills all of a long buffer", (probe) => {
  const [at, length] = [FREE, 150_000];
  assert.equal(probe.call("random_get", at, length), "success");
  const bytes = probe.bytes;
  for (let start = at; start + 1_000 <= at + length; start += 1_000) {
    assert.ok(bytes.subarray(start, start + 1_000).some((byte) => byte !== 0));
  }
  assert.equal(bytes[at + length], 0);
  assert.equal(probe.call("random_get", at, -1), "fault");
  assert.equal(probe.call("sched_yield"), "success");
  assert.equal(probe.call("proc_raise", 2), "notsup");
});

Deno.test("a sink gets each buffer; closed stdin is at its end", () => {
  const written: string[] = [];
  const decoder = new TextDecoder();
  using probe = new Probe(HOSTS[0]![1], {
    stdout: (bytes) => written.push(decoder.decode(bytes)),
  });
  assert.equal(probe.write(1, "hello!"), 6);
  assert.equal(probe.write(2, "into nothing"), 12);
  assert.deepEqual(written, ["hel", "lo!"]);
  assert.equal(probe.read(0, 10), '""');
  assert.equal(probe.read(1, 10), "badf");
  assert.equal(probe.write(0, "x"), "badf");
  assert.equal(probe.seek(1, 0n, 0), "spipe");
  assert.equal(probe.pread(0, { bytes: 1, offset: 0n }), "spipe");
});
