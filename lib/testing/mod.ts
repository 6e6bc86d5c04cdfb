/**
 * The examination of a {@linkcode Provider}: what its interface promises, as Deno tests.
 *
 * A promise that is not tested here is none. Call {@linkcode testProvider} from a test file of the
 * backend and give it the few guests that it asks for.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Exit } from "../exit.ts";
import type { ContainerRun, Provider } from "../provider.ts";

/** What a guest of the examination does. */
export type GuestBehaviour =
  /** Ends with this code at once. */
  | { readonly does: "exits"; readonly code: number }
  /** Breaks, as by a Wasm trap. */
  | { readonly does: "traps" }
  /** Computes for ever. */
  | { readonly does: "spins" }
  /** Waits for ever in a call to the system. */
  | { readonly does: "sleeps" }
  /** Writes these texts to its stdout and stderr, and ends with code 0. */
  | { readonly does: "prints"; readonly stdout: string; readonly stderr: string }
  /** Prints its argv and then its environment as `NAME=value`, one per line, and ends with code 0. */
  | { readonly does: "reports" }
  /** Is no program at all: the file is there and holds something else. */
  | { readonly does: "nothing" };

/** A backend to be examined, and the guests to examine it with. */
export interface ProviderFixture extends AsyncDisposable {
  /** The backend; closed when the fixture is disposed of. */
  readonly provider: Provider;
  /** A run of a guest that behaves so, with an id, a root and a log file of its own. */
  guest(behaviour: GuestBehaviour): Promise<ContainerRun>;
}

/** How long a killed run may take to settle. */
const KILLED_MS_MAX = 15_000;

/** Declares the examination of one backend. `open` makes a fresh one for each test. */
export function testProvider(name: string, open: () => Promise<ProviderFixture>): void {
  const promise = (text: string, check: (fixture: ProviderFixture) => Promise<void>): void => {
    Deno.test(`${name}: ${text}`, async () => {
      await using fixture = await open();
      await check(fixture);
    });
  };

  promise("names its architectures and its version", ({ provider }) => {
    assert.match(provider.arch, /^[a-z0-9][a-z0-9._-]*$/);
    assert.match(provider.architecture, /^[a-z0-9][a-z0-9._-]*$/);
    assert.match(provider.runtimeVersion, /^[a-z0-9-]+:\/\/\S+$/);
    return Promise.resolve();
  });

  promise("validate() passes a plain pod", ({ provider }) => {
    provider.validate?.({
      metadata: { name: "plain", namespace: "default", uid: "u" },
      spec: { containers: [{ name: "app", image: "registry.example/app:v1" }] },
    });
    return Promise.resolve();
  });

  promise("run() reports the guest's own exit code", async ({ provider, guest }) => {
    for (const code of [0, 1, 42, 255]) {
      const { exit } = await begin(provider, await guest({ does: "exits", code })).ended;
      assert.deepEqual(exit, { kind: "exited", code });
    }
  });

  promise("run() tells of the start once, before the end", async ({ provider, guest }) => {
    const seen = await begin(provider, await guest({ does: "exits", code: 0 })).ended;
    assert.equal(seen.started, 1);
  });

  promise("run() reports a broken guest as trapped, and says how", async ({ provider, guest }) => {
    const { exit, started } = await begin(provider, await guest({ does: "traps" })).ended;
    assert.equal(exit.kind, "trapped");
    assert.notEqual("message" in exit && exit.message, "");
    assert.equal(started, 1);
  });

  promise("run() reports what is no program as start_error", async ({ provider, guest }) => {
    const { exit, started } = await begin(provider, await guest({ does: "nothing" })).ended;
    assert.equal(exit.kind, "start_error");
    assert.notEqual("message" in exit && exit.message, "");
    assert.equal(started, 0);
  });

  promise("run() reports a module that is not there as start_error", async (fixture) => {
    const run = await fixture.guest({ does: "exits", code: 0 });
    const module = { ...run.module, path: `${run.module.path}.missing` };
    const { exit, started } = await begin(fixture.provider, { ...run, module }).ended;
    assert.equal(exit.kind, "start_error");
    assert.equal(started, 0);
  });

  for (const does of ["spins", "sleeps"] as const) {
    promise(`run() ends a guest that ${does} when told to kill`, async ({ provider, guest }) => {
      const running = begin(provider, await guest({ does }));
      await running.started;
      const { exit, killedMs } = await running.kill();
      assert.deepEqual(exit, { kind: "killed" });
      assert.ok(killedMs < KILLED_MS_MAX, `it took ${killedMs} ms`);
    });
  }

  promise("run() never starts a guest that is killed before", async ({ provider, guest }) => {
    const running = begin(provider, await guest({ does: "spins" }));
    const { exit, killedMs } = await running.kill();
    assert.deepEqual(exit, { kind: "killed" });
    assert.ok(killedMs < KILLED_MS_MAX, `it took ${killedMs} ms`);
    const dead = begin(provider, await guest({ does: "spins" }), AbortSignal.abort());
    const ended = await dead.ended;
    assert.deepEqual(ended, { exit: { kind: "killed" }, started: 0 });
  });

  promise("run() ends after the grace period at the latest", async ({ provider, guest }) => {
    const running = begin(provider, await guest({ does: "spins" }));
    await running.started;
    running.stop();
    const { exit } = await running.kill();
    assert.notEqual(exit.kind, "lost");
  });

  promise("run() logs both streams in the CRI format", async ({ provider, guest }) => {
    const run = await guest({ does: "prints", stdout: "one\n\ntwo\n", stderr: "three\n" });
    await begin(provider, run).ended;
    const lines = (await Deno.readTextFile(run.logPath)).split("\n");
    assert.equal(lines.pop(), "");
    const time = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2}) /;
    for (const line of lines) assert.match(line, time);
    const texts = lines.map((line) => line.replace(time, ""));
    assert.deepEqual(texts.filter((line) => line.startsWith("stdout")), [
      "stdout F one",
      "stdout F ",
      "stdout F two",
    ]);
    assert.deepEqual(texts.filter((line) => line.startsWith("stderr")), ["stderr F three"]);
  });

  promise("run() gives the guest its argv and nobody else's environment", async (fixture) => {
    const plain = await fixture.guest({ does: "reports" });
    const run = { ...plain, argv: ["name", "", "a b"], env: { A: "1", "B.c": "x=y", E: "" } };
    await begin(fixture.provider, run).ended;
    const lines = (await Deno.readTextFile(run.logPath)).trimEnd().split("\n");
    const texts = lines.map((line) => line.split(" ").slice(3).join(" "));
    assert.deepEqual(texts.slice(0, 3), run.argv);
    assert.deepEqual(texts.slice(3).sort(), ["A=1", "B.c=x=y", "E="]);
  });

  promise("run() keeps runs apart", async ({ provider, guest }) => {
    const spinning = begin(provider, await guest({ does: "spins" }));
    const sleeping = begin(provider, await guest({ does: "sleeps" }));
    await Promise.all([spinning.started, sleeping.started]);
    await spinning.kill();
    const run = await guest({ does: "prints", stdout: "mine\n", stderr: "" });
    const printed = await begin(provider, run).ended;
    assert.deepEqual(printed.exit, { kind: "exited", code: 0 });
    assert.match(await Deno.readTextFile(run.logPath), /^\S+ stdout F mine\n$/);
    assert.equal(sleeping.isOver(), false);
    assert.deepEqual((await sleeping.kill()).exit, { kind: "killed" });
  });
}

/** A run under way. */
interface Running {
  /** Settles when the guest has started; rejects if it ended without. */
  readonly started: Promise<void>;
  readonly ended: Promise<{ readonly exit: Exit; readonly started: number }>;
  stop(): void;
  kill(): Promise<{ readonly exit: Exit; readonly killedMs: number }>;
  isOver(): boolean;
}

function begin(provider: Provider, run: ContainerRun, killSignal?: AbortSignal): Running {
  const [stop, kill] = [new AbortController(), new AbortController()];
  const { promise: started, resolve, reject } = Promise.withResolvers<void>();
  let starts = 0;
  let over = false;
  const ended = provider.run(run, {
    stop: stop.signal,
    kill: killSignal ?? kill.signal,
    onStarted: () => {
      starts++;
      resolve();
    },
  }).then((exit) => {
    over = true;
    reject(new Error(`The guest ended before it started: ${JSON.stringify(exit)}`));
    return { exit, started: starts };
  });
  started.catch(() => {}); // not every test waits for it
  return {
    started,
    ended,
    stop: () => stop.abort(),
    async kill(): Promise<{ exit: Exit; killedMs: number }> {
      const sinceMs = performance.now();
      kill.abort();
      const { exit } = await ended;
      return { exit, killedMs: performance.now() - sinceMs };
    },
    isOver: () => over,
  };
}
