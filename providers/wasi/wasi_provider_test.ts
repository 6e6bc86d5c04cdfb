import assert from "node:assert/strict";
import { type ContainerRun, type Exit, isKubeletError } from "../../lib/mod.ts";
import { testProvider } from "../../lib/testing/mod.ts";
import { ORDER_BYTES_MAX } from "./limits.ts";
import {
  guestProcesses,
  isAlive,
  openFixture,
  print,
  READS_A_PIPE,
  SLEEPS,
  SPINS,
  SPINS_BEFORE_START,
  SPINS_WITH_CALLS,
  start,
  stateOf,
  THREADS_STAY,
  until,
} from "./testing.ts";
import type { WasiProvider } from "./wasi_provider.ts";

testProvider("WasiProvider", () => openFixture());
testProvider("WasiProvider without warm processes", () => openFixture({ poolSize: 0 }));

const never = new AbortController().signal;

function run(provider: WasiProvider, container: ContainerRun): Promise<Exit> {
  return provider.run(container, { onStarted: () => {}, stop: never, kill: never });
}

/** Makes the folder `new` in the preopened folder with this descriptor; the errno is the code. */
function makesFolder(fd: number): string {
  return start(`(i32.store (i32.const 32) (i32.const 0x0077656e))
    (call $proc_exit
      (call $path_create_directory (i32.const ${fd}) (i32.const 32) (i32.const 3)))`);
}

for (
  const [what, wat] of [
    ["a loop without calls", SPINS],
    ["a loop with calls", SPINS_WITH_CALLS],
    ["a sleep in poll_oneoff", SLEEPS],
    ["a blocked read", READS_A_PIPE],
    ["threads in loops and in an atomic wait", THREADS_STAY],
    ["a loop in its start section", SPINS_BEFORE_START],
  ] as const
) {
  Deno.test({
    name: `WasiProvider.run() leaves no process behind when it kills ${what}`,
    ignore: Deno.build.os === "windows",
    async fn(): Promise<void> {
      await using fixture = await openFixture({ poolSize: 0 });
      const container = await fixture.guestOf(wat);
      await new Deno.Command("mkfifo", { args: [`${container.rootPath}/pipe`] }).output();
      const kill = new AbortController();
      const started = Promise.withResolvers<void>();
      const ended = fixture.provider.run(container, {
        onStarted: started.resolve,
        stop: never,
        kill: kill.signal,
      });
      await started.promise;
      const [pid] = await guestProcesses(fixture.folder);
      assert.ok(pid !== undefined);
      kill.abort();
      assert.deepEqual(await ended, { kind: "killed" });
      assert.equal(await isAlive(pid), false);
    },
  });
}

Deno.test("WasiProvider.run() reports a process that somebody else killed as crashed", async () => {
  await using fixture = await openFixture({ poolSize: 0 });
  const exit = await fixture.provider.run(await fixture.guestOf(SPINS), {
    onStarted: () =>
      void guestProcesses(fixture.folder).then(([pid]) => Deno.kill(pid!, "SIGKILL")),
    stop: never,
    kill: never,
  });
  assert.equal(exit.kind, "crashed");
  assert.equal(exit.kind === "crashed" && exit.signal, 9);
});

Deno.test("WasiProvider.run() ends a stack overflow as a trap of the guest", async () => {
  await using fixture = await openFixture();
  const wat = start("(call $deeper)", "(func $deeper (call $deeper))");
  const exit = await run(fixture.provider, await fixture.guestOf(wat));
  assert.equal(exit.kind, "trapped", JSON.stringify(exit));
  assert.match("message" in exit ? exit.message : "", /stack overflow/);
});

Deno.test("WasiProvider.run() writes what was held back when the guest traps", async () => {
  await using fixture = await openFixture();
  const container = await fixture.guestOf(start(`${print(1, "a\nlast words")} unreachable`));
  assert.equal((await run(fixture.provider, container)).kind, "trapped");
  assert.match(
    await Deno.readTextFile(container.logPath),
    /^\S+ stdout F a\n\S+ stdout P last words\n$/,
  );
});

Deno.test("WasiProvider.run() keeps as much of a log as it is told, in both isolation classes", async () => {
  await using fixture = await openFixture({ logLimits: { bytesMax: 64, filesMax: 2 } });
  const handlers = fixture.provider.handlers.includes("krustlet-worker")
    ? ["krustlet-process", "krustlet-worker"]
    : ["krustlet-process"];
  for (const runtimeHandler of handlers) {
    const folder = `${fixture.folder}/logs/${runtimeHandler}`;
    await Deno.mkdir(folder);
    const code = ["one", "two", "three", "four"].map((word) => print(1, `${word}\n`)).join(" ");
    const container = await fixture.guestOf(start(code));
    const logPath = `${folder}/0.log`;
    const exit = await run(fixture.provider, { ...container, runtimeHandler, logPath });
    assert.deepEqual(exit, { kind: "exited", code: 0 });
    const names = (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
    assert.equal(names.length, 2, names.join());
    assert.match(await Deno.readTextFile(logPath), /^\S+ stdout F four\n$/);
    assert.match(await Deno.readTextFile(`${folder}/${names[1]}`), /^\S+ stdout F three\n$/);
  }
});

Deno.test("WasiProvider.run() lets the guest live when its log cannot be written", async () => {
  const warnings: string[] = [];
  await using fixture = await openFixture({ warn: (text) => warnings.push(text) });
  const container = await fixture.guestOf(start(print(1, "lost\n")));
  const logPath = `${fixture.folder}/logs/missing/0.log`;
  assert.deepEqual(await run(fixture.provider, { ...container, logPath }), {
    kind: "exited",
    code: 0,
  });
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /^Container "app" of pod "default\/examined" lost \d+ bytes/);
});

Deno.test("WasiProvider.run() gives the guest its root and its mounts", async () => {
  await using fixture = await openFixture();
  const { provider, folder } = fixture;
  await Deno.mkdir(`${folder}/pods/volume`);
  await Deno.mkdir(`${folder}/elsewhere`);
  const mounts = [
    { hostPath: `${folder}/elsewhere`, guestPath: "/srv/data", readOnly: false },
    { hostPath: `${folder}/pods/volume`, guestPath: "/etc", readOnly: true },
  ];
  const inRoot = await fixture.guestOf(makesFolder(3), { mounts });
  assert.deepEqual(await run(provider, inRoot), { kind: "exited", code: 0 });
  const entries = await Array.fromAsync(Deno.readDir(inRoot.rootPath));
  assert.deepEqual(entries.map((entry) => entry.name).sort(), ["etc", "new", "srv"]);

  const readOnly = await run(provider, await fixture.guestOf(makesFolder(4), { mounts }));
  assert.deepEqual(readOnly, { kind: "exited", code: 69 }); // errno rofs
  const writable = await run(provider, await fixture.guestOf(makesFolder(5), { mounts }));
  assert.deepEqual(writable, { kind: "exited", code: 0 });
  assert.ok((await Deno.stat(`${folder}/elsewhere/new`)).isDirectory);
});

Deno.test("WasiProvider.run() makes mount points in the root only, and follows no link there", async () => {
  await using fixture = await openFixture();
  const { provider, folder } = fixture;
  const elsewhere = `${folder}/elsewhere`;
  const volume = `${folder}/pods/volume`;
  for (const path of [elsewhere, volume]) await Deno.mkdir(path);
  for (const guestPath of ["/../data", "/a/../../data", "/a\\..\\..\\data"]) {
    const mounts = [{ hostPath: volume, guestPath, readOnly: false }];
    const guest = await fixture.guestOf(start("nop"), { mounts });
    const exit = await run(provider, guest);
    assert.ok(
      exit.kind === "start_error" && /Cannot make mount point/.test(exit.message),
      guestPath,
    );
  }
  // Behind a link, which an image may hold, it is found by its name.
  const mounts = [{ hostPath: volume, guestPath: "/link/data", readOnly: false }];
  const guest = await fixture.guestOf(start("nop"), { mounts });
  await Deno.symlink(elsewhere, `${guest.rootPath}/link`);
  assert.deepEqual(await run(provider, guest), { kind: "exited", code: 0 });
  assert.deepEqual(await Array.fromAsync(Deno.readDir(elsewhere)), []);
  await assert.rejects(Deno.lstat(`${folder}/pods/data`), Deno.errors.NotFound);
});

Deno.test("WasiProvider.run() keeps a read-only root as it is, and no mount in it", async () => {
  await using fixture = await openFixture();
  const { provider, folder } = fixture;
  const hostPath = `${folder}/pods/volume`;
  await Deno.mkdir(hostPath);
  const view = {
    readOnlyRoot: true,
    mounts: [{ hostPath, guestPath: "/srv/data", readOnly: false }],
  };
  const inRoot = await fixture.guestOf(makesFolder(3), view);
  assert.deepEqual(await run(provider, inRoot), { kind: "exited", code: 69 }); // errno rofs
  const entries = await Array.fromAsync(Deno.readDir(inRoot.rootPath));
  assert.deepEqual(entries.map((entry) => entry.name), ["srv"]);
  const inMount = await run(provider, await fixture.guestOf(makesFolder(4), view));
  assert.deepEqual(inMount, { kind: "exited", code: 0 });
  assert.ok((await Deno.stat(`${hostPath}/new`)).isDirectory);
});

Deno.test("WasiProvider.run() keeps the guest's memory under its limit", async () => {
  await using fixture = await openFixture();
  const grows = start(`(loop $again
    (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
    (if (i32.ne (memory.size) (i32.const 32)) (then unreachable))`);
  const limited = await fixture.guestOf(grows, { limits: { memoryBytes: 2 * 1024 * 1024 } });
  assert.deepEqual(await run(fixture.provider, limited), { kind: "exited", code: 0 });
  const tooSmall = await fixture.guestOf(grows, { limits: { memoryBytes: 512 * 1024 } });
  const exit = await run(fixture.provider, tooSmall);
  assert.equal(exit.kind, "out_of_memory", JSON.stringify(exit));
});

Deno.test("WasiProvider.run() reads modules of the image store and no other file", async () => {
  await using fixture = await openFixture();
  const container = await fixture.guestOf(start("nop"));
  const path = `${fixture.folder}/outside.wasm`;
  await Deno.copyFile(container.module.path, path);
  const module = { ...container.module, path };
  const exit = await run(fixture.provider, { ...container, module });
  assert.equal(exit.kind, "start_error");
  assert.match("message" in exit ? exit.message : "", /Cannot read module .*outside\.wasm/);
});

Deno.test("WasiProvider runs many guests at once", async () => {
  await using fixture = await openFixture();
  const container = await fixture.guestOf(start(print(1, "hello\n")));
  const runs = Array.from({ length: 30 }, (_, number) => {
    return { ...container, logPath: `${fixture.folder}/logs/many-${number}.log` };
  });
  const exits = await Promise.all(runs.map((one) => run(fixture.provider, one)));
  assert.deepEqual(
    new Set(exits.map((exit) => JSON.stringify(exit))),
    new Set([
      '{"kind":"exited","code":0}',
    ]),
  );
  for (const { logPath } of runs) {
    assert.match(await Deno.readTextFile(logPath), /^\S+ stdout F hello\n$/);
  }
});

Deno.test({
  name: "WasiProvider.run() takes another process for one that died before it had its order",
  ignore: Deno.build.os !== "linux",
  async fn(): Promise<void> {
    await using fixture = await openFixture({ poolSize: 1 });
    const { provider, folder } = fixture;
    const warm = await until(async () => (await guestProcesses(folder))[0]);
    let looks = 0;
    const control = {
      onStarted: () => {},
      stop: never,
      // Looked at when the run begins, and when a process was taken and is about to be given the order.
      get kill(): AbortSignal {
        if (++looks === 2) Deno.kill(warm, "SIGKILL");
        return never;
      },
    };
    const exit = await provider.run(await fixture.guestOf(start("nop")), control);
    assert.deepEqual(exit, { kind: "exited", code: 0 });
    assert.ok(looks > 2, "there was a second process");
  },
});

for (const poolSize of [0, 2]) {
  Deno.test(`WasiProvider.run() rejects if the machine cannot start a process, with ${poolSize} kept warm`, async () => {
    const guestEntry = new URL("./there_is_no_such_file.ts", import.meta.url);
    await using fixture = await openFixture({ poolSize, guestEntry });
    await assert.rejects(
      run(fixture.provider, await fixture.guestOf(start("nop"))),
      (error) =>
        isKubeletError(error, "container_start") &&
        /^Cannot boot a guest process: /.test(error.message),
    );
  });
}

Deno.test({
  name: "WasiProvider replaces a warm process that died",
  ignore: Deno.build.os !== "linux",
  async fn(): Promise<void> {
    await using fixture = await openFixture({ poolSize: 1 });
    const warm = await until(async () => (await guestProcesses(fixture.folder))[0]);
    Deno.kill(warm, "SIGKILL");
    await until(async () => (await guestProcesses(fixture.folder)).some((pid) => pid !== warm));
    assert.deepEqual(await run(fixture.provider, await fixture.guestOf(start("nop"))), {
      kind: "exited",
      code: 0,
    });
  },
});

Deno.test({
  name: "WasiProvider.close() ends the warm processes",
  ignore: Deno.build.os !== "linux",
  async fn(): Promise<void> {
    await using fixture = await openFixture();
    await until(async () => (await guestProcesses(fixture.folder)).length === 2);
    await fixture.provider.close();
    assert.deepEqual(await guestProcesses(fixture.folder), []);
  },
});

for (
  const [host, what] of [
    ["libc", "idle, busy or stopped"],
    ["portable", "idle or busy, without the kernel's help"],
  ] as const
) {
  Deno.test({
    name: `guest processes end with an agent that is killed: ${what}`,
    ignore: Deno.build.os !== "linux",
    fn: () => killsAgent(host),
  });
}

async function killsAgent(host: "libc" | "portable"): Promise<void> {
  await using fixture = await openFixture({ poolSize: 0 });
  const modules = await Promise.all([SPINS, SLEEPS].map(async (wat) => {
    return (await fixture.guestOf(wat)).module.path;
  }));
  const agent = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-all",
      new URL("./testing_agent.ts", import.meta.url).href,
      host,
      fixture.folder,
      ...modules,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let said = "";
  const reader = agent.stdout.pipeThrough(new TextDecoderStream()).getReader();
  while (said.split("started").length < 3) {
    const { value, done } = await reader.read();
    assert.equal(done, false, "the agent ended early");
    said += value;
  }
  // The two that run, and at least two warm ones.
  await until(async () => (await guestProcesses(fixture.folder)).length >= 4);
  // Only who has the C library can be stopped for a CPU limit.
  if (host === "libc") {
    await until(async () => {
      const pids = await guestProcesses(fixture.folder);
      return (await Promise.all(pids.map(stateOf))).includes("T");
    });
  }
  agent.kill("SIGKILL");
  await agent.status;
  await until(async () => (await guestProcesses(fixture.folder)).length === 0);
  await reader.cancel();
}

for (const handler of Deno.build.os === "linux" ? ["krustlet", "krustlet-worker"] : ["krustlet"]) {
  Deno.test(`${handler}: an order that no guest process would read is refused, and says why`, async () => {
    await using fixture = await openFixture({ poolSize: 0 });
    const container = await fixture.guestOf(start(""), {
      env: { HUGE: "x".repeat(ORDER_BYTES_MAX) },
      runtimeHandler: handler,
    });
    const control = { onStarted: assert.fail, stop: never, kill: never };
    await assert.rejects(fixture.provider.run(container, control), (error) => {
      assert.ok(isKubeletError(error, "container_start"));
      assert.match(
        error.message,
        /its arguments and environment have \d+ bytes; the limit is 16777216$/,
      );
      return true;
    });
  });
}
