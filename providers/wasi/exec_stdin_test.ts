import assert from "node:assert/strict";
import type { ContainerRun, ExecControl, Exit } from "../../lib/mod.ts";
import { openFixture, start, until, type WasiFixture } from "./testing.ts";

/** Copies stdin to stdout, and leaves with 3 once it has ended, or 9 after an error. */
const ECHOES = start(`
  (i32.store (i32.const 0) (i32.const 65536)) (i32.store (i32.const 16) (i32.const 65536))
  (loop $more
    (i32.store (i32.const 4) (i32.const 65536))
    (if (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8))
      (then (call $proc_exit (i32.const 9))))
    (if (i32.eqz (i32.load (i32.const 8))) (then (call $proc_exit (i32.const 3))))
    (i32.store (i32.const 20) (i32.load (i32.const 8)))
    (drop (call $fd_write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24)))
    (br $more))`);
/** Waits with `poll_oneoff` until there is something to read on stdin, and leaves with 5. */
const POLLS = start(`
  (i32.store8 (i32.const 8) (i32.const 1))
  (i32.store (i32.const 16) (i32.const 0))
  (drop (call $poll_oneoff (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))
  (call $proc_exit (i32.const 5))`);
/** Leaves with 100 × type of descriptor 0 + 10 × that of 1 + that of 2; a terminal's is 2. */
const TELLS_TYPES = `(module
  (import "wasi_snapshot_preview1" "fd_fdstat_get" (func $stat (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func $type (param $fd i32) (result i32)
    (drop (call $stat (local.get $fd) (i32.const 0))) (i32.load8_u (i32.const 0)))
  (func (export "_start") (call $exit (i32.add
    (i32.mul (i32.const 100) (call $type (i32.const 0)))
    (i32.add (i32.mul (i32.const 10) (call $type (i32.const 1))) (call $type (i32.const 2)))))))`;

const HOSTS = Deno.build.os === "linux" ? [undefined, "portable"] as const : ["portable"] as const;
const LARGE_BYTES = 50_000_000;
const never = new AbortController().signal;

/** What an exec did. */
interface Ran {
  readonly exit: Exit;
  readonly out: string;
  readonly err: string;
}

interface Run extends Partial<ExecControl> {
  readonly module?: ContainerRun["module"];
  readonly otherwise?: ContainerRun["module"];
  readonly tty?: boolean;
}

async function exec(
  { provider }: WasiFixture,
  container: ContainerRun,
  argv: readonly string[],
  { module, otherwise, tty, ...control }: Run = {},
): Promise<Ran> {
  const said = { stdout: "", stderr: "" };
  const exit = await provider.exec({
    container,
    argv,
    ...(module === undefined ? {} : { module }),
    ...(otherwise === undefined ? {} : { otherwise }),
    ...(tty === undefined ? {} : { tty }),
  }, {
    kill: never,
    onOutput: (stream, bytes): void => {
      said[stream] += new TextDecoder().decode(bytes);
    },
    ...control,
  });
  return { exit, out: said.stdout, err: said.stderr };
}

/** A stdin of this size, and what its bytes add up to. */
function numbers(bytes: number): ReadableStream<Uint8Array> {
  let left = bytes;
  return new ReadableStream({
    pull(controller): void {
      if (left === 0) return controller.close();
      const piece = new Uint8Array(Math.min(left, 65_536)).map((_, at) => (left + at) & 0xff);
      left -= piece.length;
      controller.enqueue(piece);
    },
  });
}

/** Adds up bytes, with where they are. */
class Sum {
  bytes = 0;
  sum = 0;

  add(piece: Uint8Array): void {
    for (const byte of piece) {
      this.sum = (this.sum + byte * (++this.bytes % 65_521)) % 1_000_000_007;
    }
  }

  static async of(stream: ReadableStream<Uint8Array>): Promise<Sum> {
    const sum = new Sum();
    for await (const piece of stream) sum.add(piece);
    return sum;
  }
}

function testHosts(
  promise: string,
  check: (fixture: WasiFixture) => Promise<void>,
): void {
  for (const host of HOSTS) {
    Deno.test(`WasiProvider.exec() (${host ?? "libc"}) ${promise}`, async () => {
      await using fixture = await openFixture(host === undefined ? {} : { host });
      await check(fixture);
    });
  }
}

testHosts("gives a guest 50 MB of stdin and takes them back, byte for byte", async (fixture) => {
  const container = await fixture.guestOf(ECHOES);
  const wanted = await Sum.of(numbers(LARGE_BYTES));
  for (const program of [{ module: container.module, argv: ["echo"] }, { argv: ["cat"] }]) {
    const seen = new Sum();
    const { exit } = await exec(fixture, container, program.argv, {
      ...program,
      stdin: numbers(LARGE_BYTES),
      onOutput: (_stream, bytes) => seen.add(bytes),
    });
    assert.deepEqual(exit, { kind: "exited", code: "module" in program ? 3 : 0 });
    assert.deepEqual({ ...seen }, { ...wanted });
  }
});

testHosts(
  "ends a guest's stdin when its writer does, and goes on with its output",
  async (fixture) => {
    const container = await fixture.guestOf(ECHOES);
    const { module } = container;
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const heard = Promise.withResolvers<void>();
    let out = "";
    const running = exec(fixture, container, ["echo"], {
      module,
      stdin: readable,
      onOutput: (_stream, bytes): void => {
        out += new TextDecoder().decode(bytes);
        heard.resolve();
      },
    });
    await writer.write(new TextEncoder().encode("one"));
    await heard.promise; // it is answered while its stdin is open
    await writer.write(new TextEncoder().encode(" two"));
    await writer.close();
    assert.deepEqual((await running).exit, { kind: "exited", code: 3 });
    assert.equal(out, "one two");
    const none = await exec(fixture, container, ["echo"], { module });
    assert.deepEqual(none.exit, { kind: "exited", code: 3 });
  },
);

testHosts("takes no more stdin than a guest reads, and cancels it at the end", async (fixture) => {
  const container = await fixture.guestOf(start("(loop $again (br $again))"));
  const kill = new AbortController();
  let [taken, cancelled] = [0, false];
  const stdin = new ReadableStream<Uint8Array>({
    pull(controller): void {
      taken += 65_536;
      controller.enqueue(new Uint8Array(65_536));
    },
    cancel(): void {
      cancelled = true;
    },
  }, { highWaterMark: 0 });
  const { module } = container;
  const running = exec(fixture, container, ["spin"], { module, stdin, kill: kill.signal });
  // The pipe is full once nothing more is asked for.
  let before = -1;
  await until(async () => {
    if (taken > 0 && taken === before) return true;
    before = taken;
    await new Promise((resolve) => setTimeout(resolve, 200));
    return false;
  });
  assert.ok(taken <= 512 * 1024, `${taken} bytes`);
  kill.abort();
  assert.deepEqual((await running).exit, { kind: "killed" });
  assert.equal(cancelled, true);
});

testHosts("lets a guest wait for its stdin in poll_oneoff", async (fixture) => {
  const container = await fixture.guestOf(POLLS);
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const { module } = container;
  const running = exec(fixture, container, ["poll"], { module, stdin: readable });
  const writer = writable.getWriter();
  await writer.write(new Uint8Array(1));
  assert.deepEqual((await running).exit, { kind: "exited", code: 5 });
  await writer.close().catch(() => {});
});

testHosts(
  "tells a guest of a terminal, and gives it one stream for what it writes",
  async (fixture) => {
    const container = await fixture.guestOf(TELLS_TYPES);
    const { module } = container;
    const plain = await exec(fixture, container, ["tell"], { module });
    assert.deepEqual(plain.exit, { kind: "exited", code: 0 });
    const terminal = { module, tty: true, stdin: new Blob([]).stream() };
    const ran = await exec(fixture, container, ["tell"], terminal);
    assert.deepEqual(ran.exit, { kind: "exited", code: 222 });
    const both = await exec(fixture, container, ["sh", "-c", "echo out; echo err >&2"], {
      tty: true,
    });
    assert.deepEqual([both.out, both.err], ["out\nerr\n", ""]);
  },
);

testHosts(
  "runs what argv[0] names: a module of the view, a builtin, or the module for all else",
  async (fixture) => {
    const leaves = await fixture.guestOf(start("(call $proc_exit (i32.const 42))"));
    const container = await fixture.guestOf(start("(call $proc_exit (i32.const 7))"), {
      env: { PATH: "/tools:/more" },
      workingDir: "/place",
    });
    const root = container.rootPath;
    for (const folder of ["tools", "more", "place", "bin"]) await Deno.mkdir(`${root}/${folder}`);
    await Deno.copyFile(leaves.module.path, `${root}/more/cat`);
    await Deno.copyFile(leaves.module.path, `${root}/place/app.wasm`);
    await Deno.symlink("../more/cat", `${root}/tools/linked`);
    await Deno.symlink("../../../../../etc/passwd", `${root}/tools/away`);
    await Deno.writeTextFile(`${root}/tools/ls`, "#!/bin/sh\n");
    await Deno.writeTextFile(`${root}/tools/script`, "#!/bin/sh\n");
    await Deno.mkdir(`${root}/tools/pwd`);
    const expected: readonly (readonly [program: string, code: number])[] = [
      ["cat", 42],
      ["linked", 42],
      ["/place/app.wasm", 42],
      ["./app.wasm", 42],
      ["../more/cat", 42],
      ["ls", 0],
      ["/bin/ls", 0],
      ["/usr/bin/pwd", 0],
      ["pwd", 0],
      ["script", 126],
      ["/tools/script", 126],
      ["app.wasm", 127],
      ["away", 127],
      ["/tools/pwd", 127],
      ["/none", 127],
      ["/opt/ls", 127],
      ["", 127],
      ["constructor", 127],
    ];
    for (const [program, code] of expected) {
      const { exit } = await exec(fixture, container, [program]);
      assert.deepEqual(exit, { kind: "exited", code }, program);
    }
    const none = await exec(fixture, container, ["none"]);
    assert.equal(none.err, 'exec: "none": executable file not found in $PATH\n');
    const { module: otherwise } = container;
    const other = await exec(fixture, container, ["none"], { otherwise });
    assert.deepEqual(other.exit, { kind: "exited", code: 7 });
    const builtin = await exec(fixture, container, ["pwd"], { otherwise });
    assert.deepEqual([builtin.exit, builtin.out], [{ kind: "exited", code: 0 }, "/place\n"]);
  },
);

testHosts(
  "holds builtins within the container's files, and to what is read-only",
  async (fixture) => {
    const container = await fixture.guestOf(start(""), { readOnlyRoot: true });
    await Deno.writeTextFile(`${fixture.folder}/secret`, "secret");
    await Deno.symlink(`${fixture.folder}/secret`, `${container.rootPath}/abs`);
    await Deno.symlink("../../secret", `${container.rootPath}/rel`);
    const script =
      "cat /abs; cat /rel; cat /../../secret; cat /proc/self/environ; echo x > /new; ls /";
    const { out, err } = await exec(fixture, container, ["sh", "-c", script]);
    assert.equal(out, "abs\nrel\n");
    assert.match(err, /abs: Operation not permitted[\s\S]*rel: Operation not permitted/);
    assert.match(err, /cannot open "\/new": Read-only file system/);
  },
);

testHosts("ends a builtin that waits, when it is told to", async (fixture) => {
  const container = await fixture.guestOf(start(""));
  for (const argv of [["sleep", "1000"], ["cat"]]) {
    const kill = new AbortController();
    const { readable } = new TransformStream<Uint8Array, Uint8Array>();
    const script = `echo up; ${argv.join(" ")}`;
    const running = exec(fixture, container, ["sh", "-c", script], {
      stdin: readable,
      kill: kill.signal,
      onOutput: () => kill.abort(),
    });
    assert.deepEqual((await running).exit, { kind: "killed" });
  }
});

for (const host of HOSTS) {
  Deno.test(`WasiProvider.run() (${host ?? "libc"}) gives a container its stdin, and logs what it says at once`, async () => {
    await using fixture = await openFixture(host === undefined ? {} : { host });
    const handlers = fixture.provider.handlers;
    const container = await fixture.guestOf(ECHOES, {
      promptly: true,
      // A Worker has no stdin of its own, so this one has a process all the same.
      ...(handlers.includes("krustlet-worker") ? { runtimeHandler: "krustlet-worker" } : {}),
    });
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const running = fixture.provider.run(container, {
      onStarted: () => {},
      stop: never,
      kill: never,
      stdin: readable,
    });
    const logged = async (): Promise<string> =>
      await Deno.readTextFile(container.logPath).catch(() => "");
    await writer.write(new TextEncoder().encode("name? "));
    await until(async () => / stdout P name\? \n$/.test(await logged()));
    await writer.write(new TextEncoder().encode("x\n"));
    await writer.close();
    assert.deepEqual(await running, { kind: "exited", code: 3 });
    assert.match(await logged(), / stdout P name\? \n.* stdout F x\n$/);
  });
}
