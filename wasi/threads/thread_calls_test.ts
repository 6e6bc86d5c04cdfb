import assert from "node:assert/strict";
import { prepare } from "../guest/guest.ts";
import { Scratch } from "../testing/probe.ts";
import { processThreads, run, testHosts, threaded, until } from "../testing/threads.ts";
import { wat } from "../testing/wat.ts";

testHosts("a file that one thread opens is written by another", async (host) => {
  using scratch = new Scratch();
  const { outcome } = await run(
    threaded(`
      (data (i32.const 64) "shared.txt")
      (data (i32.const 80) "written by another")
      (func (export "wasi_thread_start") (param i32 i32)
        (call $must (call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 10)
          (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 8)))
        (call $finish))
      (func (export "_start")
        (drop (call $spawn (i32.const 0)))
        (call $await (i32.const 1))
        (i32.store (i32.const 16) (i32.const 80))
        (i32.store (i32.const 20) (i32.const 18))
        (call $must (call $fd_write (i32.load (i32.const 8)) (i32.const 16) (i32.const 1) (i32.const 24)))
        (call $must (call $fd_close (i32.load (i32.const 8))))
        (call $exit (call $fd_close (i32.load (i32.const 8)))))`),
    { host, preopens: [{ hostPath: scratch.box, guestPath: "/box" }] },
  );
  assert.deepEqual(outcome, { kind: "exited", code: 8 }); // badf: it was closed
  assert.equal(await Deno.readTextFile(`${scratch.box}/shared.txt`), "written by another");
});

const WRITERS = 4;
const LINES = 200;

testHosts("what threads write stays whole, and is there when the guest has ended", async (host) => {
  // Each writes lines of two pieces: its letter, then dots and a line end. The last one exits at once.
  let output = "";
  const { outcome } = await run(
    threaded(`
      (data (i32.const 64) "........\\0a")
      (func (export "wasi_thread_start") (param $tid i32) (param $argument i32)
        (local $at i32) (local $i i32)
        (local.set $at (i32.add (i32.const 256) (i32.mul (local.get $argument) (i32.const 64))))
        (i32.store (local.get $at) (i32.add (local.get $at) (i32.const 32)))
        (i32.store offset=4 (local.get $at) (i32.const 1))
        (i32.store offset=8 (local.get $at) (i32.const 64))
        (i32.store offset=12 (local.get $at) (i32.const 9))
        (i32.store offset=32 (local.get $at) (i32.add (local.get $argument) (i32.const 97)))
        (loop $next
          (call $must (call $fd_write (i32.const 1) (local.get $at) (i32.const 2)
            (i32.add (local.get $at) (i32.const 48))))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $next (i32.lt_s (local.get $i) (i32.const ${LINES}))))
        (call $finish))
      (func (export "_start") (local $i i32)
        (loop $next
          (drop (call $spawn (local.get $i)))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $next (i32.lt_s (local.get $i) (i32.const ${WRITERS}))))
        (call $await (i32.const ${WRITERS}))
        unreachable)`),
    { host, stdout: (bytes) => output += new TextDecoder().decode(bytes) },
  );
  assert.equal(outcome.kind, "trapped");
  const lines = output.split("\n");
  assert.equal(lines.pop(), "");
  assert.equal(lines.length, WRITERS * LINES);
  assert.deepEqual(lines.filter((line) => !/^[a-d]\.{8}$/.test(line)), []);
});

testHosts("a thread that writes more than anybody reads waits, and loses nothing", async (host) => {
  let bytes = 0;
  const { outcome } = await run(
    threaded(`
      (func (export "wasi_thread_start") (param i32 i32) unreachable)
      (func (export "_start") (local $i i32)
        (i32.store (i32.const 20) (i32.const 60000))
        (loop $next
          (call $must (call $fd_write (i32.const 2) (i32.const 16) (i32.const 1) (i32.const 24)))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $next (i32.lt_s (local.get $i) (i32.const 50)))))`),
    { host, stderr: (part) => bytes += part.length },
  );
  assert.deepEqual(outcome, { kind: "exited", code: 0 });
  assert.equal(bytes, 50 * 60_000);
});

testHosts("standard input can be a function of the embedder", async (host) => {
  const asked: number[] = [];
  const { outcome } = await run(
    threaded(`
      (func (export "wasi_thread_start") (param i32 i32)
        (i32.store (i32.const 16) (i32.const 64))
        (i32.store (i32.const 20) (i32.const 100))
        (call $must (call $fd_read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 24)))
        (call $exit (i32.load8_u (i32.add (i32.const 63) (i32.load (i32.const 24))))))
      (func (export "_start") (drop (call $spawn (i32.const 0))) (call $await (i32.const 1)))`),
    {
      host,
      stdin(into): number {
        asked.push(into.length);
        into.set([1, 2, 3]);
        return 3;
      },
    },
  );
  assert.deepEqual(outcome, { kind: "exited", code: 3 });
  assert.deepEqual(asked, [100]);
});

testHosts("a defect of the embedder's function is thrown", async (host) => {
  const guest = await prepare(
    threaded(`
      (func (export "wasi_thread_start") (param i32 i32))
      (func (export "_start")
        (i32.store (i32.const 20) (i32.const 1))
        (drop (call $fd_write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24)))
        (call $forever))`),
    {
      host,
      stdout: () => {
        throw new RangeError("our own defect");
      },
    },
  );
  await assert.rejects(() => guest.run(), /our own defect/);
  guest.dispose();
});

testHosts("calls of threads are traced", async (host) => {
  const lines: string[] = [];
  await run(
    threaded(`
      (func (export "wasi_thread_start") (param i32 i32)
        (drop (call $fd_close (i32.const 77)))
        (call $finish))
      (func (export "_start") (drop (call $spawn (i32.const 0))) (call $await (i32.const 1)))`),
    { host, trace: (line) => lines.push(line) },
  );
  assert.deepEqual(lines, ["fd_close(77) = badf"]);
});

testHosts("threads ask the embedder for each address", async (host) => {
  const asked: unknown[] = [];
  const { outcome } = await run(
    threaded(`
      (data (i32.const 64) "\\7f\\00\\00\\01")
      (func (export "wasi_thread_start") (param i32 i32)
        (i32.store (i32.const 16) (i32.const 64))
        (i32.store (i32.const 20) (i32.const 4))
        (call $must (call $sock_open (i32.const 1) (i32.const 2) (i32.const 8)))
        (call $exit (call $sock_bind (i32.load (i32.const 8)) (i32.const 16) (i32.const 7777))))
      (func (export "_start") (drop (call $spawn (i32.const 0))) (call $await (i32.const 1)))`),
    {
      host,
      allowAddress(request): boolean {
        asked.push(request);
        return false;
      },
    },
  );
  assert.deepEqual(outcome, { kind: "exited", code: 2 }); // acces
  const address = { hostname: "127.0.0.1", port: 7777 };
  assert.deepEqual(asked, [{ purpose: "bind", protocol: "tcp", address }]);
});

function canListen(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch (error) {
    assert.ok(error instanceof Deno.errors.AddrInUse);
    return false;
  }
}

/** A guest whose first thread returns while another is in a call on descriptor 3. */
const ACCEPTING = wat(`(module
  (import "wasi_snapshot_preview1" "sock_accept"
    (func $accept (param i32 i32 i32) (result i32)))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "env" "memory" (memory 1 4 shared))
  (func (export "wasi_thread_start") (param i32 i32)
    (i32.atomic.store (i32.const 0) (i32.const 1))
    (drop (memory.atomic.notify (i32.const 0) (i32.const -1)))
    (drop (call $accept (i32.const 3) (i32.const 0) (i32.const 8))))
  (func (export "_start")
    (drop (call $spawn (i32.const 0)))
    (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))
    (drop (memory.atomic.wait32 (i32.const 4) (i32.const 0) (i64.const 50000000)))))`);

testHosts(
  "a thread that waits in accept goes with the guest, and so does its port",
  async (host) => {
    const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = free.addr;
    free.close();
    const before = processThreads();
    const { outcome } = await run(ACCEPTING, {
      host,
      listeners: [{ hostname: "127.0.0.1", port }],
    });
    assert.deepEqual(outcome, { kind: "exited", code: 0 });
    await until(() => canListen(port)); // Deno lets go of it some turns after it was closed
    await until(() => processThreads() <= before);
  },
);

testHosts("a name may have more addresses than a thread can be told", async (host) => {
  const { outcome } = await run(
    wat(`(module
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (import "wasi_snapshot_preview1" "sock_getaddrinfo"
        (func $resolve (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
      (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
      (import "env" "memory" (memory 1 4 shared))
      (data (i32.const 64) "many.example")
      (func (export "wasi_thread_start") (param i32 i32))
      (func (export "_start")
        (i32.store (i32.const 16) (i32.const 128))
        (i32.store (i32.const 140) (i32.const 192))
        (i32.store (i32.const 196) (i32.const 26))
        (i32.store (i32.const 200) (i32.const 256))
        (call $exit (call $resolve (i32.const 64) (i32.const 12) (i32.const 0) (i32.const 0)
          (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 20)))))`),
    {
      host,
      allowAddress: () => true,
      lookup: () => Array.from({ length: 1_000 }, (_, index) => `10.0.0.${index % 256}`),
    },
  );
  assert.deepEqual(outcome, { kind: "exited", code: 0 });
});

Deno.test({
  name: "a thread in a blocking read does not hold up the end of the guest (libc)",
  ignore: Deno.build.os !== "linux",
  async fn(): Promise<void> {
    using scratch = new Scratch();
    const fifo = `${scratch.box}/fifo`;
    assert.ok((await new Deno.Command("mkfifo", { args: [fifo] }).output()).success);
    const before = processThreads();
    const { outcome } = await run(
      threaded(`
        (data (i32.const 64) "fifo")
        (func (export "wasi_thread_start") (param i32 i32)
          (i32.store (i32.const 16) (i32.const 80))
          (i32.store (i32.const 20) (i32.const 1))
          (call $must (call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 4)
            (i32.const 0) (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 8)))
          (call $finish)
          (call $must (call $fd_read (i32.load (i32.const 8)) (i32.const 16) (i32.const 1)
            (i32.const 24))))
        (func (export "_start")
          (drop (call $spawn (i32.const 0)))
          (call $await (i32.const 1))
          (call $must (call $fd_close (i32.load (i32.const 8)))))`),
      { host: "libc", preopens: [{ hostPath: scratch.box, guestPath: "/box" }] },
    );
    assert.deepEqual(outcome, { kind: "exited", code: 0 });
    // Its system call goes on, on a descriptor that is not given to anybody else; then it ends too.
    const file = await Deno.open(fifo, { read: true, write: true });
    await file.write(Uint8Array.of(1));
    await until(() => processThreads() <= before);
    file.close();
  },
});

Deno.test("run() is rejected in a process that may not read the program of the Workers", async () => {
  using scratch = new Scratch();
  // (module (import "env" "memory" (memory 1 1 shared)) (func (export "_start")))
  const module = "AGFzbQEAAAABBAFgAAACEAEDZW52Bm1lbW9yeQIDAQEDAgEABwoBBl9zdGFydAAACgQBAgAL";
  const program = `${scratch.box}/main.ts`;
  await Deno.writeTextFile(
    program,
    `import { compile, prepare } from ${JSON.stringify(import.meta.resolve("../mod.ts"))};
     const guest = await prepare(compile(Uint8Array.fromBase64("${module}")), { host: "portable" });
     await guest.run().catch(({ message }) => console.log(message));`,
  );
  const args = ["run", "--quiet", "--no-prompt", "--no-config", program];
  const { stdout } = await new Deno.Command(Deno.execPath(), { args }).output();
  assert.match(new TextDecoder().decode(stdout), /guest_thread_worker\.ts/);
});
