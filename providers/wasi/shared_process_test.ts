import assert from "node:assert/strict";
import { testProvider } from "../../lib/testing/mod.ts";
import type { Launch } from "./launch.ts";
import type { Order } from "./protocol.ts";
import { SharedProcess } from "./shared_process.ts";
import { isAlive, openFixture } from "./testing.ts";

if (Deno.build.os === "linux") {
  testProvider("WasiProvider in shared processes", () => {
    return openFixture({ poolSize: 0 }, { runtimeHandler: "krustlet-worker" });
  });
}

const ORDER: Order = { modulePath: "/m", args: ["m"], env: {}, preopens: [], logPath: "/l" };
const never = new AbortController().signal;

/** A process that plays a shared one's part: `obey` is called with each command. */
function acting(code: string): Launch {
  const source = `
    const say = (word) => console.log(JSON.stringify(word));
    ${code}
    let line = "";
    for await (const chunk of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
      line += chunk;
      const lines = line.split("\\n");
      line = lines.pop();
      for (const complete of lines) obey(JSON.parse(complete));
    }`;
  return {
    command: Deno.execPath(),
    args: ["run", "--no-config", `data:text/javascript,${encodeURIComponent(source)}`],
    env: { NO_COLOR: "1", ...(Deno.env.has("HOME") ? { HOME: Deno.env.get("HOME")! } : {}) },
  };
}

/** Starts its guests, and does not hear of any end. */
const STUBBORN = `say({ word: "ready" });
  function obey({ do: what, id }) { if (what === "run") say({ word: "started", id }); }`;

Deno.test("SharedProcess.run() tells the words of one guest from those of another", async () => {
  const process = await SharedProcess.boot(
    acting(`say({ word: "ready" });
      function obey({ id }) {
        say({ word: "started", id });
        say({ word: "started", id });
        if (id !== 2) return;
        for (const done of [2, 1]) {
          say({ word: "exit", id: done, exit: { kind: "exited", code: done }, droppedLogBytes: 0 });
        }
      }`),
    never,
  );
  let started = 0;
  const control = { kill: never, onStarted: () => void started++ };
  const ends = await Promise.all([process.run(ORDER, control), process.run(ORDER, control)]);
  assert.deepEqual(
    ends.map((end) => end === "declined" ? end : end.exit),
    [{ kind: "exited", code: 1 }, { kind: "exited", code: 2 }],
  );
  assert.equal(started, 2);
  assert.equal(process.guests, 0);
  await process.end();
  assert.equal(await isAlive(process.pid), false);
});

Deno.test("SharedProcess.run() kills a process in which a guest does not end, and blames it", async () => {
  const process = await SharedProcess.boot(acting(STUBBORN), never);
  const kill = new AbortController();
  const started = Promise.withResolvers<void>();
  const stuck = process.run(
    { ...ORDER, logPath: "/stuck.log" },
    { kill: kill.signal, onStarted: started.resolve },
  );
  const neighbour = process.run(ORDER, { kill: never, onStarted: () => {} });
  await started.promise;
  kill.abort();
  assert.deepEqual(await stuck, { exit: { kind: "killed" }, droppedLogBytes: 0 });
  const end = await neighbour;
  const exit = end === "declined" ? undefined : end.exit;
  assert.equal(exit?.kind, "crashed");
  assert.match(
    exit?.kind === "crashed" ? exit.message : "",
    /could not be ended within \d+ ms$|\(log "\/stuck\.log"\) could not be ended/,
  );
  assert.equal(await isAlive(process.pid), false);
  await process.end();
});

Deno.test("SharedProcess.run() believes nobody who says that a guest was killed", async () => {
  const process = await SharedProcess.boot(
    acting(`say({ word: "ready" });
      function obey({ id }) {
        say({ word: "exit", id, exit: { kind: "killed" }, droppedLogBytes: 0 });
      }`),
    never,
  );
  const end = await process.run(ORDER, { kill: never, onStarted: () => {} });
  assert.equal(end === "declined" ? end : end.exit.kind, "crashed");
  await process.end();
});

Deno.test("SharedProcess.boot() tells why a process is unfit", async () => {
  await assert.rejects(
    SharedProcess.boot(acting(`say({ word: "unfit", why: "Cannot end" }); Deno.exit(0);`), never),
    { message: "Cannot boot a guest process: Cannot end" },
  );
});
