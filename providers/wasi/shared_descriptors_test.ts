/** The descriptors of a process that guests share: whose they are, and who closes them. */
import assert from "node:assert/strict";
import type { Exit } from "../../lib/mod.ts";
import { launch } from "./launch.ts";
import { findLibc } from "./libc_path.ts";
import { SharedProcess } from "./shared_process.ts";
import { guestProcesses, isAlive, openFixture, start, until } from "./testing.ts";
import { begin, type Running } from "./testing_runs.ts";
import { at, FakeNetwork, open, serveAt, socketGuest } from "./testing_network.ts";

const never = new AbortController().signal;
const ignore = Deno.build.os !== "linux";
const WORKER = { runtimeHandler: "krustlet-worker" } as const;
const LOCAL = "127.0.0.1";

/** Code that opens a file of one letter; what a file that is not there needs is `flags` 1. */
function openFile(letter: string, flags = 0): string {
  return `(i32.store8 (i32.const 32) (i32.const ${letter.charCodeAt(0)}))
    (local.set $errno (call $path_open (i32.const 3) (i32.const 0) (i32.const 32) (i32.const 1)
      (i32.const ${flags}) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 64)))`;
}

/** Code that does this so many times. */
function times(count: number, code: string): string {
  return `(local.set $left (i32.const ${count}))
    (loop $next ${code}
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $next (local.get $left)))`;
}

/** Opens the file `f` 1,024 times, then loops. */
const OPENS_AND_SPINS = start(`(local $left i32) (local $errno i32)
  ${times(1_024, openFile("f"))}
  (loop $again (br $again))`);

/** Opens `g` as often as it can, then loops; if there is none, makes `m`, opens it 100 times and leaves with 0. */
const IS_GREEDY_OR_MODEST = start(`(local $left i32) (local $errno i32)
  ${openFile("g")}
  (if (local.get $errno)
    (then
      ${
  times(
    100,
    `${openFile("m", 1)} (if (local.get $errno) (then (call $proc_exit (local.get $errno))))`,
  )
}
      (call $proc_exit (i32.const 0))))
  ${times(20_000, openFile("g"))}
  (loop $again (br $again))`);

/** Opens the file `f`, writes a line to it and closes it, for ever; ends with the errno of what fails. */
const OPENS_AND_CLOSES = `(module
  ${
  [
    ["proc_exit", "(param i32)"],
    ["path_open", "(param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)"],
    ["fd_write", "(param i32 i32 i32 i32) (result i32)"],
    ["fd_close", "(param i32) (result i32)"],
  ].map(([name, type]) => `(import "wasi_snapshot_preview1" "${name}" (func $${name} ${type}))`)
    .join("\n")
}
  (memory (export "memory") 1)
  (data (i32.const 32) "f\\n")
  (func $must (param $errno i32)
    (if (local.get $errno) (then (call $proc_exit (local.get $errno)))))
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 32)) (i32.store (i32.const 4) (i32.const 2))
    (loop $again
      (call $must (call $path_open (i32.const 3) (i32.const 0) (i32.const 32) (i32.const 1) (i32.const 1)
        (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 64)))
      (call $must (call $fd_write (i32.load (i32.const 64)) (i32.const 0) (i32.const 1) (i32.const 8)))
      (call $must (call $fd_close (i32.load (i32.const 64))))
      (br $again))))`;

/** As many functions that the compiler improves while they run. */
const HOT_FUNCTIONS = 400;

/** Runs one function after the other until it is worth improving, again and again. */
function getsHot(): string {
  const numbers = Array.from({ length: HOT_FUNCTIONS }, (_, number) => number);
  const functions = numbers.map((number) =>
    `(func $hot${number} (param $left i32) (result i32) (local $sum i32)
      (loop $next
        (local.set $sum (i32.add (local.get $left)
          (i32.mul (local.get $sum) (i32.const ${number + 3}))))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br_if $next (local.get $left)))
      (local.get $sum))`
  );
  const calls = numbers.map((number) =>
    `(local.set $calls (i32.const 300))
     (loop $warm${number}
       (drop (call $hot${number} (i32.const 2000)))
       (local.set $calls (i32.sub (local.get $calls) (i32.const 1)))
       (br_if $warm${number} (local.get $calls)))
     (drop (call $sched_yield))`
  );
  return start(
    `(local $calls i32) (loop $again ${calls.join("\n")} (br $again))`,
    functions.join("\n"),
  );
}

/** What a process has open that its guests have opened: files of this folder, and sockets of the network. */
function openedIn(pid: number, folder: string): string[] {
  const sockets = ["tcp", "udp"].flatMap((protocol) =>
    Deno.readTextFileSync(`/proc/${pid}/net/${protocol}`).split("\n").slice(1)
      .map((line) => `socket:[${line.trim().split(/\s+/)[9]}]`)
  );
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].map(({ name }) =>
    placeOf(`/proc/${pid}/fd/${name}`)
  )
    .filter((place) => place.startsWith(folder) || sockets.includes(place));
}

function placeOf(link: string): string {
  try {
    return Deno.readLinkSync(link);
  } catch {
    return ""; // it has just been closed
  }
}

function descriptorsOf(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

function freePort(): number {
  using listener = Deno.listen({ hostname: LOCAL, port: 0 });
  return listener.addr.port;
}

Deno.test({
  name: "a guest that is killed in a Worker leaves no file open",
  ignore,
  async fn(): Promise<void> {
    await using fixture = await openFixture({ poolSize: 0 }, WORKER);
    const container = await fixture.guestOf(OPENS_AND_SPINS);
    await Deno.writeTextFile(`${container.rootPath}/f`, "");
    const guest = await begin(fixture, container);
    const [pid] = await guestProcesses(fixture.folder);
    const opened = () => openedIn(pid!, fixture.folder);
    await until(() => Promise.resolve(opened().length > 1_000));
    await guest.kill();
    assert.deepEqual(opened(), []);
    assert.ok(descriptorsOf(pid!) < 100);
  },
});

Deno.test({
  name: "a guest that is killed in a Worker leaves no socket open, and its port free",
  ignore,
  async fn(): Promise<void> {
    await using fixture = await openFixture({ poolSize: 0 });
    const [port, elsewhere] = [freePort(), freePort()];
    using listener = Deno.listen({ hostname: LOCAL, port: elsewhere });
    // It listens, and is killed while it waits for bytes of a connection of its own.
    const wat = socketGuest(`${serveAt(port)} ${open(2)}
      (call $must (block (result i32) ${at("sock_connect", LOCAL, elsewhere)}))
      (i32.store (i32.const 16) (i32.const 1024)) (i32.store (i32.const 20) (i32.const 16))
      (drop (call $sock_recv (global.get $fd) (i32.const 16) (i32.const 1) (i32.const 0)
        (i32.const 24) (i32.const 28)))`);
    const network = new FakeNetwork();
    for (let times = 0; times < 3; times++) {
      const guest = await begin(fixture, await fixture.guestOf(wat, { ...WORKER, network }));
      using connection = await listener.accept();
      const [pid] = await guestProcesses(fixture.folder);
      assert.equal(openedIn(pid!, fixture.folder).length, 4); // its root and its log as well
      assert.deepEqual(await guest.kill(), { kind: "killed" });
      assert.deepEqual(openedIn(pid!, fixture.folder), []);
      assert.equal(await connection.read(new Uint8Array(1)).catch(() => null), null);
      using _again = Deno.listen({ hostname: LOCAL, port });
    }
  },
});

Deno.test({
  name: "guests that are killed while they open and close harm no descriptor of their neighbour",
  ignore,
  async fn(): Promise<void> {
    await using fixture = await openFixture({ poolSize: 0 }, WORKER);
    const neighbour = await begin(fixture, await fixture.guestOf(OPENS_AND_CLOSES));
    let ended: Exit | undefined;
    void neighbour.ended.then((exit) => ended = exit);
    const [pid] = await guestProcesses(fixture.folder);
    const lane = async (): Promise<void> => {
      for (let kills = 0; kills < 15; kills++) {
        const victim = await begin(fixture, await fixture.guestOf(OPENS_AND_CLOSES));
        await new Promise((resolve) => setTimeout(resolve, kills % 10));
        assert.deepEqual(await victim.kill(), { kind: "killed" });
        assert.equal(ended, undefined);
      }
    };
    await Promise.all([lane(), lane()]);
    assert.deepEqual(await neighbour.kill(), { kind: "killed" });
    assert.deepEqual(openedIn(pid!, fixture.folder), []);
    assert.ok(descriptorsOf(pid!) < 60, `${descriptorsOf(pid!)} are left of 31 guests`);
  },
});

Deno.test({
  name: "guests that open all they can leave enough to a neighbour that begins later",
  ignore,
  async fn(): Promise<void> {
    await using fixture = await openFixture({ poolSize: 0 }, WORKER);
    const greedy: Running[] = [];
    for (let count = 0; count < 3; count++) {
      const container = await fixture.guestOf(IS_GREEDY_OR_MODEST);
      await Deno.writeTextFile(`${container.rootPath}/g`, "");
      greedy.push(await begin(fixture, container));
    }
    const [pid, another] = await guestProcesses(fixture.folder);
    assert.equal(another, undefined);
    let before = 0;
    await until(async () => {
      await new Promise((resolve) => setTimeout(resolve, 250));
      const now = descriptorsOf(pid!);
      const full = now > 2_000 && now === before;
      before = now;
      return full;
    });
    for (let count = 0; count < 3; count++) {
      const modest = await begin(fixture, await fixture.guestOf(IS_GREEDY_OR_MODEST));
      assert.deepEqual(await modest.ended, { kind: "exited", code: 0 });
    }
    for (const guest of greedy) assert.deepEqual(await guest.kill(), { kind: "killed" });
    assert.ok(descriptorsOf(pid!) < 100);
  },
});

Deno.test({
  name: "Workers wake each other, also those that were booted later",
  ignore,
  async fn(): Promise<void> {
    await using fixture = await openFixture({ poolSize: 0 });
    const { folder } = fixture;
    const { module, logPath } = await fixture.guestOf(getsHot());
    const { args, ...rest } = launch({
      os: "linux",
      standalone: false,
      execPath: Deno.execPath(),
      parentPid: Deno.pid,
      entry: new URL("./guest_main.ts", import.meta.url),
      libc: findLibc()!,
      imagesDir: `${folder}/images`,
      logsDir: `${folder}/logs`,
      podsDir: `${folder}/pods`,
      codeDirs: [new URL("../../", import.meta.url).pathname],
      shared: true,
      env: Deno.env.toObject(),
    });
    // Each time a function has been improved, all Workers are asked whether they still run the old one.
    const often = args.map((arg) =>
      arg.startsWith("--v8-flags=") ? `${arg},--stress-wasm-code-gc` : arg
    );
    const process = await SharedProcess.boot({ ...rest, args: often }, never);
    const kills: AbortController[] = [];
    const ends: Promise<unknown>[] = [];
    for (let number = 0; number < 12; number++) {
      const kill = new AbortController();
      const started = Promise.withResolvers<void>();
      const end = process.run(
        { modulePath: module.path, args: ["m"], env: {}, preopens: [], logPath },
        { kill: kill.signal, onStarted: started.resolve },
      );
      kills.push(kill);
      ends.push(end);
      await Promise.race([started.promise, end]);
      kills[number - 8]?.abort();
    }
    let died: unknown;
    void process.ended.then((end) => died = end);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    // Who is ended need not answer any more, and the next question may go to the others.
    for (const kill of kills) kill.abort();
    await Promise.all(ends);
    assert.equal(died, undefined);
    assert.equal(await isAlive(process.pid), true);
    await process.end();
  },
});
