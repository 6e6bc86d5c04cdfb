import assert from "node:assert/strict";
import { findLibc } from "./libc_path.ts";
import { HOST_BYTES_MAX, SHARED_DESCRIPTORS_KEPT, SHARED_GUESTS_MAX } from "./limits.ts";
import { dataBytesMax } from "./memory_wall.ts";
import { shareOf } from "./process_limits.ts";
import type { Order } from "./protocol.ts";
import { guestProcesses, openFixture, until } from "./testing.ts";

const ignore = Deno.build.os !== "linux";
const MIB = 1024 * 1024;
const ORDER: Order = {
  modulePath: "/dev/null",
  args: [],
  env: {},
  preopens: [],
  logPath: "/l",
  memoryBytes: 10 * MIB,
};

/** Runs code in a process of its own; `kernel`, the limits and `status` are at hand. */
async function inProcess(code: string): Promise<{ stdout: string; stderr: string }> {
  const url = (name: string) => JSON.stringify(import.meta.resolve(name));
  const source = `
    import { Kernel } from ${url("./kernel.ts")};
    import { limitData, limitProcess, limitShared } from ${url("./process_limits.ts")};
    const kernel = Kernel.open(${JSON.stringify(findLibc())});
    const status = (name) => Deno.readTextFileSync("/proc/self/" + name);
    ${code}`;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--ext=js", source],
  }).output();
  const decoder = new TextDecoder();
  return { stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

Deno.test({
  name: "limitProcess() and limitData() wall in memory, descriptors and core files, for good",
  ignore,
  async fn(): Promise<void> {
    const { stdout, stderr } = await inProcess(`
      const idle = Number(/VmData:\\s+(\\d+)/.exec(status("status"))[1]) * 1024;
      limitProcess(kernel);
      limitData(kernel, { dataBytesMax: idle + ${60 * MIB} });
      const memory = new WebAssembly.Memory({ initial: 0 });
      let pages = 0;
      // In steps that leave Deno 12 MiB: it ends where it finds nothing for itself.
      try { for (;;) { memory.grow(256); pages += 256; } } catch { /* the wall */ }
      const limits = status("limits");
      const limit = (name) => limits.split("\\n").find((line) => line.startsWith(name)).slice(26);
      console.log(pages / 16 < 64, limit("Max core file size"), limit("Max open files"));`);
    assert.match(stdout, /^true 0 +0 +bytes +8704 +8704 +files/, stderr);
  },
});

Deno.test({
  name: "limitShared() lets a process have what all its guests may have, or what there is",
  ignore,
  async fn(): Promise<void> {
    const { stdout, stderr } = await inProcess(`
      const open = () => /Max open files +(\\d+) +(\\d+)/.exec(status("limits")).slice(1).map(Number);
      const [, hard] = open();
      const { numbers } = limitShared(kernel);
      console.log(numbers === Math.min(hard, 529408), open().every((limit) => limit === numbers));
      kernel.limit(7, 5000);
      console.log(limitShared(kernel).numbers, ...open());`);
    assert.equal(stdout, "true true\n5000 5000 5000\n", stderr);
  },
});

Deno.test("shareOf() gives each guest its descriptors, or its part of those that there are", () => {
  assert.deepEqual(shareOf(529_408), { numbers: 529_408, sure: 8_256, most: 8_256, common: 0 });
  assert.deepEqual(shareOf(20_000), { numbers: 20_000, sure: 148, most: 8_256, common: 9_504 });
  assert.deepEqual(shareOf(1_024), { numbers: 1_024, sure: 4, most: 8_256, common: 256 });
  for (const numbers of [1_024, 4_096, 20_000, 65_536, 524_288, 529_407]) {
    const { sure, common } = shareOf(numbers);
    const kept = Math.min(SHARED_DESCRIPTORS_KEPT, numbers / 2);
    assert.ok(
      common + SHARED_GUESTS_MAX * sure + kept <= numbers,
      `Deno has its own of ${numbers}`,
    );
  }
});

Deno.test({
  name: "Kernel.beNice() lets the calling thread give way",
  ignore,
  async fn(): Promise<void> {
    const { stdout, stderr } = await inProcess(`
      const before = Number(status("stat").split(") ")[1].split(" ")[16]);
      const nicer = Math.min(19, before + 5);
      console.log(kernel.beNice(nicer), status("stat").split(") ")[1].split(" ")[16] == nicer);`);
    assert.equal(stdout, "true true\n", stderr);
  },
});

Deno.test({
  name: "dataBytesMax() leaves room for the idle process, the guest and the host",
  ignore,
  async fn(): Promise<void> {
    const bytes = await dataBytesMax(ORDER, Deno.pid);
    assert.ok(bytes !== undefined && bytes > 10 * MIB + HOST_BYTES_MAX + MIB);
    const { memoryBytes: _, ...unlimited } = ORDER;
    assert.equal(await dataBytesMax(unlimited, Deno.pid), undefined);
    assert.equal(await dataBytesMax({ ...ORDER, modulePath: "/nowhere" }, Deno.pid), undefined);
  },
});

Deno.test({
  name: "guest processes are the kernel's first choice when memory runs out",
  ignore,
  async fn(): Promise<void> {
    await using fixture = await openFixture({ poolSize: 1 });
    await until(async () => {
      const pids = await guestProcesses(fixture.folder);
      const scores = await Promise.all(
        pids.map((pid) => Deno.readTextFile(`/proc/${pid}/oom_score_adj`).catch(() => "")),
      );
      return scores.length > 0 && scores.every((score) => score.trim() === "1000");
    });
  },
});
