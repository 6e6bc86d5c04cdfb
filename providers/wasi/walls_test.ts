/** What stands around a guest besides WebAssembly, in each isolation class and on both hosts. */
import assert from "node:assert/strict";
import type { Exit } from "../../lib/mod.ts";
import { isKubeletError } from "../../lib/mod.ts";
import type { Sandbox, SandboxReport, SandboxWishes } from "../../wasi/mod.ts";
import { enterSandbox } from "./enter_sandbox.ts";
import type { Order } from "./protocol.ts";
import { guestProcesses, openFixture, SPINS, start, THREADS, type WasiFixture } from "./testing.ts";

const never = new AbortController().signal;
/** Set to `landlock` on a machine whose kernel has none; without it, having none is a failure. */
const WITHOUT = (Deno.env.get("KRUSTLET_TESTS_WITHOUT") ?? "").split(",");
const LANDLOCK = Deno.build.os === "linux" && !WITHOUT.includes("landlock");

/** The guest of this text, run to its end or, once `whileRunning` is done, killed. */
async function run(
  fixture: WasiFixture,
  wat: string,
  { handler, whileRunning }: { handler?: string; whileRunning?: () => Promise<void> } = {},
): Promise<{ exit: Exit; log: string }> {
  const container = await fixture.guestOf(wat, {
    ...(handler === undefined ? {} : { runtimeHandler: handler }),
  });
  const kill = new AbortController();
  let watched: Promise<void> | undefined;
  const exit = await fixture.provider.run(container, {
    onStarted: () => void (watched = whileRunning?.().finally(() => kill.abort())),
    stop: never,
    kill: kill.signal,
  });
  await watched;
  return { exit, log: await Deno.readTextFile(container.logPath).catch(() => "") };
}

for (const host of [undefined, "portable"] as const) {
  Deno.test(`a guest with threads runs inside of its walls (${host ?? "fastest"} host)`, async () => {
    await using fixture = await openFixture({
      requireSandbox: host === undefined && LANDLOCK ? "landlock" : "permissions",
      ...(host === undefined ? {} : { host }),
    });
    const { exit, log } = await run(fixture, THREADS);
    assert.deepEqual(exit, { kind: "exited", code: 7 });
    assert.match(log, /^\S+ stdout F two threads\n$/);
  });
}

Deno.test("a guest with threads has a process of its own, whatever its class", async () => {
  await using fixture = await openFixture();
  const handler = Deno.build.os === "linux" ? "krustlet-worker" : "krustlet";
  const { exit } = await run(fixture, THREADS, { handler });
  assert.deepEqual(exit, { kind: "exited", code: 7 });
});

if (LANDLOCK) {
  for (const handler of ["krustlet-process", "krustlet-worker"]) {
    Deno.test(`${handler}: the kernel filters what the guest's thread calls`, async () => {
      await using fixture = await openFixture({ poolSize: 0, requireSandbox: "landlock" });
      const filters: Record<string, number>[] = [];
      const { exit } = await run(fixture, SPINS, {
        handler,
        whileRunning: async () => {
          for (const pid of await guestProcesses(fixture.folder)) {
            filters.push(...await filteredThreads(pid));
          }
        },
      });
      assert.deepEqual(exit, { kind: "killed" });
      const guests = filters.filter(({ filters }) => filters === 2);
      assert.ok(guests.length > 0, JSON.stringify(filters));
      assert.ok(guests.every(({ noNewPrivileges }) => noNewPrivileges === 1));
      if (handler === "krustlet-process") {
        assert.deepEqual(filters, guests, "no thread of a guest's process is outside");
      }
    });

    Deno.test(`${handler}: the guest reaches its folders inside of its walls`, async () => {
      await using fixture = await openFixture({ requireSandbox: "landlock" });
      const wat = start(`(i32.store (i32.const 32) (i32.const 0x0077656e))
        (call $proc_exit (call $path_create_directory (i32.const 3) (i32.const 32) (i32.const 3)))`);
      assert.deepEqual((await run(fixture, wat, { handler })).exit, { kind: "exited", code: 0 });
    });
  }

  Deno.test("WasiProvider says what holds its guests", async () => {
    await using fixture = await openFixture({ poolSize: 0 });
    assert.match(fixture.provider.sandbox, /^landlock \(ABI \d+: files.*\), seccomp, openat2/);
  });
}

/** What the kernel says of each thread of a process. */
async function filteredThreads(
  pid: number,
): Promise<{ readonly filters: number; readonly noNewPrivileges: number }[]> {
  const threads = await Array.fromAsync(Deno.readDir(`/proc/${pid}/task`));
  return await Promise.all(threads.map(async ({ name }) => {
    const status = await Deno.readTextFile(`/proc/${pid}/task/${name}/status`);
    const field = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+)$`, "m").exec(status)?.[1]);
    return { filters: field("Seccomp_filters"), noNewPrivileges: field("NoNewPrivs") };
  }));
}

Deno.test("WasiProvider refuses a machine that has less than is required", async () => {
  await assert.rejects(
    openFixture({ host: "portable", poolSize: 0, requireSandbox: "landlock" }),
    (error) => {
      assert.ok(isKubeletError(error, "invalid"));
      assert.match(
        error.message,
        /^Cannot give the sandbox that is required, "landlock": .* There is: deno permissions$/,
      );
      return true;
    },
  );
});

/** A sandbox that only takes notes. */
function fakeSandbox(report: SandboxReport): Sandbox & { readonly entered: SandboxWishes[] } {
  const entered: SandboxWishes[] = [];
  return {
    support: report,
    entered,
    prepare: () => {},
    enter(wishes): SandboxReport {
      entered.push(wishes);
      return report;
    },
    [Symbol.dispose]: () => {},
  };
}

const NOTHING: SandboxReport = {
  landlock: undefined,
  seccomp: false,
  openat2: true,
  permissions: false,
  missing: ["this kernel has no Landlock"],
};
const ORDER: Order = {
  modulePath: "/images/m.wasm",
  args: [],
  env: {},
  preopens: [
    { hostPath: "/pods/1/root", guestPath: "/", readOnly: false, exact: true },
    { hostPath: "/pods/1/config", guestPath: "/etc", readOnly: true, exact: true },
  ],
  logPath: "/logs/that/are/missing/0.log",
};

Deno.test("enterSandbox() starts no guest when less would hold it than the order demands", () => {
  const sandbox = fakeSandbox(NOTHING);
  enterSandbox(sandbox, ORDER);
  assert.throws(
    () => enterSandbox(sandbox, { ...ORDER, requireSandbox: "permissions" }),
    /Cannot give the sandbox that is required, "permissions": this kernel has no Landlock/,
  );
});

Deno.test("enterSandbox() asks for the order's folders, and for the program's with threads", () => {
  const sandbox = fakeSandbox(NOTHING);
  enterSandbox(sandbox, ORDER);
  enterSandbox(sandbox, ORDER, { program: { libc: "/lib/libc.so.6", codeDirs: ["/code"] } });
  const exact = ["/pods/1/root", "/pods/1/config"];
  const folders = { readOnly: ["/pods/1/config"], readWrite: ["/pods/1/root"], exact, logs: [] };
  assert.deepEqual(sandbox.entered, [
    { ...folders, files: [] },
    {
      readOnly: ["/pods/1/config", "/code"],
      readWrite: ["/pods/1/root"],
      exact,
      logs: [],
      files: ["/lib/libc.so.6"],
    },
  ]);
});
