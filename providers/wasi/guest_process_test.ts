import assert from "node:assert/strict";
import { GuestProcess } from "./guest_process.ts";
import type { Launch } from "./launch.ts";
import { STDERR_TAIL_BYTES_MAX } from "./limits.ts";
import type { Order } from "./protocol.ts";
import { isAlive } from "./testing.ts";

const ORDER: Order = { modulePath: "/m", args: ["m"], env: {}, preopens: [], logPath: "/l" };
const never = new AbortController().signal;

/** A process that plays the guest process's part. `say` and `line` are at hand in its code. */
function acting(code: string, v8Flags = ""): Launch {
  const source = `
    const say = (word) => console.log(typeof word === "string" ? word : JSON.stringify(word));
    const line = () => Deno.stdin.readSync(new Uint8Array(65536));
    const exit = (exit) => ({ word: "exit", exit, droppedLogBytes: 3 });
    ${code}`;
  return {
    command: Deno.execPath(),
    args: [
      "run",
      "--no-config",
      ...(v8Flags === "" ? [] : [`--v8-flags=${v8Flags}`]),
      `data:text/javascript,${encodeURIComponent(source)}`,
    ],
    env: { NO_COLOR: "1", ...(Deno.env.has("HOME") ? { HOME: Deno.env.get("HOME")! } : {}) },
  };
}

const READY = 'say({ word: "ready" });';

Deno.test("GuestProcess.run() passes on what the process says, and no output of its own", async () => {
  const process = await GuestProcess.boot(
    acting(`${READY} line(); say("noise"); say('{"word":"exit"}'); say({ word: "started" });
      say({ word: "started" }); say(exit({ kind: "exited", code: 7 }));`),
    never,
  );
  let started = 0;
  const end = await process.run(ORDER, { kill: never, onStarted: () => void started++ });
  assert.deepEqual(end, { exit: { kind: "exited", code: 7 }, droppedLogBytes: 3 });
  assert.equal(started, 1);
  assert.equal(await isAlive(process.pid), false);
});

Deno.test("GuestProcess.run() kills a process that told its end and goes on", async () => {
  const process = await GuestProcess.boot(
    acting(`${READY} line(); say(exit({ kind: "exited", code: 0 })); for (;;);`),
    never,
  );
  const { exit } = await process.run(ORDER, { kill: never, onStarted: assert.fail });
  assert.deepEqual(exit, { kind: "exited", code: 0 });
  assert.equal(await isAlive(process.pid), false);
});

for (const stream of ["stdout", "stderr"]) {
  Deno.test(`GuestProcess.run() kills a process that floods the agent by its ${stream}`, async () => {
    const process = await GuestProcess.boot(
      acting(
        `${READY} line(); const words = new TextEncoder().encode('{"word":"started"}\\n'.repeat(3000));
        for (;;) Deno.${stream}.writeSync(words);`,
      ),
      never,
    );
    const { exit } = await process.run(ORDER, { kill: never, onStarted: () => {} });
    assert.deepEqual(exit, {
      kind: "crashed",
      message:
        "The guest's process was ended by SIGKILL: it said more than 33554432 bytes to the agent, " +
        "the limit",
      signal: 9,
    });
    assert.equal(await isAlive(process.pid), false);
  });
}

Deno.test("GuestProcess.run() kills a process that talks for a guest with a log", async () => {
  const talks = String.raw`{"word":"output","stream":"stdout","length":1}\nx`;
  const process = await GuestProcess.boot(
    acting(
      `${READY} line(); Deno.stdout.writeSync(new TextEncoder().encode('${talks}')); for (;;);`,
    ),
    never,
  );
  const { exit } = await process.run(ORDER, { kill: never, onStarted: () => {} });
  assert.equal(exit.kind, "crashed");
  assert.equal(await isAlive(process.pid), false);
});

Deno.test("GuestProcess.run() explains a process that ended without a word", async () => {
  const process = await GuestProcess.boot(
    acting(`${READY} line(); console.error("x".repeat(100_000) + "last words"); Deno.exit(9);`),
    never,
  );
  const { exit } = await process.run(ORDER, { kill: never, onStarted: assert.fail });
  assert.equal(exit.kind, "crashed");
  const message = "message" in exit ? exit.message : "";
  assert.match(message, /^The guest's process was ended with code 9: x+last words$/);
  assert.ok(message.length < STDERR_TAIL_BYTES_MAX + 100);
});

for (
  const [kind, changes] of [["out_of_memory", { memoryBytes: 1024 }], ["crashed", {}]] as const
) {
  Deno.test(`GuestProcess.run() reports V8's death of exhaustion as ${kind}`, async () => {
    const process = await GuestProcess.boot(
      acting(
        `${READY} line(); const hold = []; for (;;) hold.push(new Array(1000).fill({}));`,
        "--max-heap-size=32",
      ),
      never,
    );
    const order = { ...ORDER, ...changes };
    const { exit } = await process.run(order, { kill: never, onStarted: assert.fail });
    assert.equal(exit.kind, kind, JSON.stringify(exit));
  });
}

Deno.test("GuestProcess.run() reports killed when it was aborted, at once and for good", async () => {
  const process = await GuestProcess.boot(acting(`${READY} line(); for (;;);`), never);
  const kill = AbortSignal.abort();
  const { exit } = await process.run(ORDER, { kill, onStarted: assert.fail });
  assert.deepEqual(exit, { kind: "killed" });
  assert.equal(await isAlive(process.pid), false);
});

Deno.test("GuestProcess.run() delivers an order that is larger than a pipe", async () => {
  const process = await GuestProcess.boot(
    acting(`${READY}
      let bytes = 0, count; const buffer = new Uint8Array(1 << 20);
      do { count = Deno.stdin.readSync(buffer); bytes += count; } while (buffer[count - 1] !== 10);
      say(exit({ kind: "exited", code: bytes }));`),
    never,
  );
  const order = { ...ORDER, env: { BIG: "x".repeat(1_000_000) } };
  const { exit } = await process.run(order, { kill: never, onStarted: assert.fail });
  assert.equal(exit.kind === "exited" && exit.code > 1_000_000, true);
});

Deno.test("GuestProcess.boot() tells why a process did not come up", async () => {
  await assert.rejects(
    GuestProcess.boot(acting(`throw new Error("no libc")`), never),
    /^Error: Cannot boot a guest process: The guest's process was ended with code 1: .*no libc/s,
  );
  await assert.rejects(
    GuestProcess.boot({ command: "/nowhere/deno", args: [], env: {} }, never),
    /\/nowhere\/deno/,
  );
});

Deno.test("GuestProcess.boot() that is aborted leaves no process behind", async () => {
  const control = new AbortController();
  const folder = await Deno.makeTempDir();
  try {
    const launch = acting(
      `Deno.writeTextFileSync(${JSON.stringify(`${folder}/pid`)}, "" + Deno.pid);
      for (;;);`,
    );
    const args = launch.args.toSpliced(1, 0, "--allow-write");
    const booted = GuestProcess.boot({ ...launch, args }, control.signal);
    const refused = assert.rejects(booted, { message: "enough" });
    let pid = "";
    while (pid === "") {
      await new Promise((resolve) => setTimeout(resolve, 5));
      pid = await Deno.readTextFile(`${folder}/pid`).catch(() => "");
    }
    control.abort(new Error("enough"));
    await refused;
    assert.equal(await isAlive(Number(pid)), false);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("GuestProcess.end() ends an idle process", async () => {
  const process = await GuestProcess.boot(acting(`${READY} line();`), never);
  await process.end();
  assert.equal(await isAlive(process.pid), false);
});

Deno.test("GuestProcess.end() is over before a program that waits for nothing else", async () => {
  const launch = acting(`${READY} line();`);
  const source = `
    import { GuestProcess } from ${JSON.stringify(import.meta.resolve("./guest_process.ts"))};
    const never = new AbortController().signal;
    const process = await GuestProcess.boot(${JSON.stringify(launch)}, never);
    await process.end();
    console.log("ended");`;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", source],
  }).output();
  const decoder = new TextDecoder();
  assert.equal(decoder.decode(stdout), "ended\n", decoder.decode(stderr));
});
