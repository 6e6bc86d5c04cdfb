import assert from "node:assert/strict";
import { isKubeletError } from "../errors.ts";
import type { ContainerExec, ExecControl, Provider } from "../provider.ts";
import { Peer, running, type RunningChanges } from "./_session.ts";
import { execAndKeep, programOf } from "./exec.ts";
import { execAndStream, type ExecServices } from "./exec_session.ts";
import { CONTAINER_SESSIONS_MAX, NODE_SESSIONS_MAX, RunningContainers } from "./running.ts";

const place = { podUid: "uid", container: "app" };
const encoder = new TextEncoder();

type Program = NonNullable<Provider["exec"]>;

function provider(exec: Program): Provider {
  return {
    arch: "a",
    architecture: "a",
    runtimeVersion: "a://1",
    run: () => Promise.reject(new Error("nobody runs anything")),
    exec,
    close: () => Promise.resolve(),
  };
}

/** Reads its stdin, says how long it was in the end, and echoes it before. */
const echoes: Program = async (_program, { stdin, onOutput }) => {
  let length = 0;
  for await (const bytes of stdin ?? []) {
    length += bytes.length;
    await onOutput("stdout", bytes);
  }
  await onOutput("stderr", encoder.encode(`${length} bytes`));
  return { kind: "exited", code: 3 };
};
const waits: Program = async (_program, { kill }) => {
  await new Promise<void>((resolve) => {
    if (kill.aborted) resolve();
    kill.addEventListener("abort", () => resolve(), { once: true });
  });
  return { kind: "killed" };
};

function services(exec: Program, changes: RunningChanges = {}): ExecServices {
  const all = new RunningContainers();
  all.add(running(changes));
  return { provider: provider(exec), running: all };
}

Deno.test("execAndStream() joins a peer's streams to a program's", async () => {
  const peer = new Peer({ stdin: true });
  const ended = execAndStream(
    services(echoes),
    { ...place, command: ["x"], tty: false },
    peer.session,
  );
  await peer.type("abc");
  await peer.hears("abc");
  await peer.type("\r\n");
  await peer.endInput();
  assert.deepEqual(await ended, { kind: "exited", code: 3 });
  assert.deepEqual(peer.said, { stdout: "abc\r\n", stderr: "5 bytes" });
});

Deno.test("execAndStream() runs the container's own module by its name only", async () => {
  const asked: unknown[] = [];
  const notes: Program = ({ module, otherwise }) => {
    asked.push([module !== undefined, otherwise !== undefined]);
    return Promise.resolve({ kind: "exited", code: 0 });
  };
  for (const command of [["bash"], [running().run.argv[0]!]]) {
    await execAndStream(services(notes), { ...place, command, tty: false }, new Peer({}).session);
  }
  assert.deepEqual(asked, [[false, false], [true, false]]);
});

Deno.test("execAndStream() makes lines of what is typed at a terminal, and tells its size", async () => {
  const peer = new Peer({ stdin: true, tty: true, size: { width: 120, height: 40 } });
  let seen: ContainerExec | undefined;
  const exec: Program = async (program, control) => {
    seen = program;
    return await echoes(program, control);
  };
  const ended = execAndStream(
    services(exec),
    { ...place, command: ["x"], tty: true },
    peer.session,
  );
  await peer.type("lx\x7fs\r");
  await peer.hears("lx\b \bs\r\nls\r\n");
  await peer.type("\x04");
  assert.deepEqual(await ended, { kind: "exited", code: 3 });
  assert.equal(peer.said.stdout, "lx\b \bs\r\nls\r\n3 bytes");
  assert.equal(seen?.tty, true);
  const { env } = seen.container;
  assert.deepEqual(env, { TERM: "xterm", KEPT: "yes", COLUMNS: "120", LINES: "40" });
});

Deno.test("execAndStream() ends a program with its container, its peer, or Ctrl-C", async () => {
  const gone = new AbortController();
  const left = new Peer();
  const request = { ...place, command: ["x"], tty: false };
  const byPeer = execAndStream(services(waits), request, left.session);
  left.leave();
  assert.deepEqual(await byPeer, { kind: "exited", code: 137 });
  const byEnd = execAndStream(services(waits, { gone: gone.signal }), request, new Peer().session);
  gone.abort();
  assert.deepEqual(await byEnd, { kind: "exited", code: 137 });
  const typing = new Peer({ stdin: true, tty: true });
  const reading: Program = async (program, control) => {
    const reader = control.stdin!.getReader();
    const [exit] = await Promise.all([waits(program, control), reader.read()]);
    return exit;
  };
  const interrupted = execAndStream(
    services(reading),
    { ...request, tty: true },
    typing.session,
  );
  await typing.type("\x03");
  assert.deepEqual(await interrupted, { kind: "exited", code: 130 });
});

Deno.test("execAndStream() lets go of a terminal at which nobody types", async () => {
  const peer = new Peer({ stdin: true, tty: true });
  const exec: Program = async (_program, { stdin }) => {
    const reader = stdin!.getReader();
    void reader.read();
    await reader.cancel(); // settles although nothing was typed
    return { kind: "exited", code: 0 };
  };
  const end = await execAndStream(
    services(exec),
    { ...place, command: ["x"], tty: true },
    peer.session,
  );
  assert.deepEqual(end, { kind: "exited", code: 0 });
  await assert.rejects(peer.type("to nobody"));
});

Deno.test("execAndStream() waits for a slow peer, and goes on for one that is gone", async () => {
  const peer = new Peer();
  const { promise, resolve } = Promise.withResolvers<void>();
  peer.holding = promise;
  let written = 0;
  const exec: Program = async (_program, { onOutput, kill }) => {
    for (; written < 100 && !kill.aborted; written++) await onOutput("stdout", encoder.encode("x"));
    return { kind: "exited", code: 0 };
  };
  const ended = execAndStream(
    services(exec),
    { ...place, command: ["x"], tty: false },
    peer.session,
  );
  await new Promise((done) => setTimeout(done));
  assert.equal(written, 0);
  peer.leave();
  resolve();
  assert.deepEqual(await ended, { kind: "exited", code: 0 });
});

Deno.test("execAndStream() tells how a program ended that has no code of its own", async () => {
  const request = { ...place, command: ["x"], tty: false };
  const peer = new Peer();
  const traps: Program = () => Promise.resolve({ kind: "trapped", message: "unreachable" });
  assert.deepEqual(await execAndStream(services(traps), request, peer.session), {
    kind: "exited",
    code: 134,
  });
  assert.equal(peer.said.stderr, "unreachable\n");
  const fails: Program = () => Promise.reject(new Error("no memory"));
  assert.deepEqual(await execAndStream(services(fails), request, peer.session), {
    kind: "failed",
    message: "error executing command in container: no memory",
  });
});

Deno.test("execAndStream() refuses what does not run, and more than there may be", async () => {
  const { session } = new Peer();
  const request = { ...place, command: ["x"], tty: false };
  const node = services(waits);
  for (const wrong of [{ container: "other" }, { podUid: "other" }, { container: "constructor" }]) {
    await assert.rejects(execAndStream(node, { ...request, ...wrong }, session), (error) => {
      assert.ok(isKubeletError(error, "no_container"));
      assert.equal(error.message, `container not found ("${wrong.container ?? "app"}")`);
      return true;
    });
  }
  const peer = new Peer();
  const all = Array.from(
    { length: CONTAINER_SESSIONS_MAX },
    () => execAndStream(node, request, peer.session),
  );
  await assert.rejects(
    execAndStream(node, request, session),
    (error) => isKubeletError(error, "too_many"),
  );
  peer.leave();
  await Promise.all(all);
  const again = new Peer();
  const next = execAndStream(node, request, again.session);
  again.leave();
  assert.deepEqual(await next, { kind: "exited", code: 137 });
});

Deno.test("RunningContainers.openSession() has a bound for the node as well", () => {
  const all = new RunningContainers();
  const open: Disposable[] = [];
  for (let n = 0; n < NODE_SESSIONS_MAX; n++) {
    open.push(all.openSession(running({ run: { id: String(n >> 2) } })));
  }
  assert.throws(() => all.openSession(running()), (error) => isKubeletError(error, "too_many"));
  open.pop()![Symbol.dispose]();
  all.openSession(running())[Symbol.dispose]();
});

Deno.test("RunningContainers.add() shows the newest run of a container, until that is over", () => {
  const all = new RunningContainers();
  const [one, two] = [running(), running({ run: { id: "2".repeat(64), attempt: 1 } })];
  const first = all.add(one);
  const second = all.add(two);
  first[Symbol.dispose]();
  assert.equal(all.get(place), two);
  second[Symbol.dispose]();
  assert.throws(() => all.get(place), (error) => isKubeletError(error, "no_container"));
});

Deno.test("programOf() leaves to the backend what the image has not, and knows a module's own name", () => {
  const container = running();
  const { module } = container.image;
  for (const name of ["app", "app.wasm", "/app.wasm", "./app"]) {
    assert.deepEqual(programOf(container, [name]).module, module, name);
  }
  const other = programOf(container, ["ls", "-l"]);
  assert.deepEqual([other.module, other.otherwise, other.argv], [undefined, module, ["ls", "-l"]]);
});

Deno.test("execAndKeep() rejects for a program that is not there, as one that could not be run", async () => {
  const missing = provider(async (_program: ContainerExec, control: ExecControl) => {
    control.onMissing?.();
    await control.onOutput("stderr", encoder.encode('exec: "x": not there\n'));
    return { kind: "exited", code: 127 };
  });
  const signal = new AbortController().signal;
  await assert.rejects(execAndKeep(missing, running(), { command: ["x"], signal }), {
    message: 'exec: "x": not there',
  });
  const says = provider(echoes);
  const outcome = await execAndKeep(says, running(), { command: ["x"], signal });
  assert.deepEqual(outcome, { exitCode: 3, output: "0 bytes" });
});
