import assert from "node:assert/strict";
import { join } from "node:path";
import {
  agentRuns,
  examineAddress,
  examineDisk,
  examineName,
  examinePort,
  judgeDisk,
} from "./machine.ts";

Deno.test("examineName() resolves names, and leaves addresses and proxies alone", async () => {
  assert.equal((await examineName("https://localhost:6443"))?.state, "ok");
  const absent = await examineName("https://no-such-host.invalid:6443");
  assert.equal(absent?.state, "fail");
  assert.match(absent?.message ?? "", /^"no-such-host\.invalid" has no address/);
  for (const server of ["https://10.0.0.1:6443", "https://[::1]", "nonsense"]) {
    assert.equal(await examineName(server), undefined, server);
  }
  assert.equal(await examineName("https://no-such-host.invalid", "http://proxy"), undefined);
});

Deno.test("examinePort() tells a free port, a taken one, and the agent's own", () => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  const asked = { address: "127.0.0.1", port };
  assert.equal(examinePort(asked, false).state, "fail");
  assert.match(examinePort(asked, false).message, new RegExp(`port ${port} is in use`));
  assert.equal(examinePort(asked, true).state, "ok");
  taken.close();
  assert.equal(examinePort(asked, false).state, "ok");
});

Deno.test("examinePort() fails at an address that is not this machine's", () => {
  assert.equal(examinePort({ address: "192.0.2.1", port: 0 }, false).state, "fail");
});

Deno.test("examineAddress() warns of an address that is not this machine's", () => {
  assert.equal(examineAddress("127.0.0.1").state, "ok");
  assert.equal(examineAddress("192.0.2.1").state, "warn");
});

Deno.test("examineDisk() tries the data folder, or the one in which it will be, and leaves nothing", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const there = await examineDisk(dir);
    assert.match(there.message, / MiB \(\d+ %\) are free$/);
    const later = await examineDisk(join(dir, "a", "b"));
    assert.equal(later.message.split('"')[1], dir);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(dir)), []);
    await Deno.writeTextFile(join(dir, "file"), "");
    assert.equal((await examineDisk(join(dir, "file"))).message.split('"')[1], dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test({
  name: "examineDisk() fails where nothing can be written",
  ignore: Deno.build.os !== "linux", // nowhere else is there a folder that root cannot write
  fn: async () => {
    const finding = await examineDisk("/proc/krustlet");
    assert.equal(finding.state, "fail");
    assert.match(finding.message, /^"\/proc" cannot be written/);
  },
});

Deno.test("judgeDisk() warns below 10 %, and fails without room for records", () => {
  const MIB = 1024 * 1024;
  const state = (freeMib: number, diskMib: number): string =>
    judgeDisk("/d", { freeBytes: freeMib * MIB, diskBytes: diskMib * MIB }).state;
  assert.deepEqual([state(200, 1_000), state(99, 1_000), state(63, 100)], ["ok", "warn", "fail"]);
});

Deno.test("agentRuns() sees the lock of an agent, and no other", async () => {
  const dir = await Deno.makeTempDir();
  try {
    assert.equal(await agentRuns(dir), false);
    const path = join(dir, "agent.lock");
    await Deno.writeTextFile(path, "");
    assert.equal(await agentRuns(dir), false);
    using file = await Deno.open(path, { write: true });
    await file.lock(true);
    assert.equal(await agentRuns(dir), true);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
