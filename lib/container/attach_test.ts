import assert from "node:assert/strict";
import { Peer, running, type RunningChanges } from "./_session.ts";
import { attachAndStream } from "./attach.ts";
import { RunningContainers } from "./running.ts";

const place = { podUid: "uid", container: "app" };

/** A container with a log that a test writes. */
class Scene implements AsyncDisposable {
  readonly all = new RunningContainers();
  readonly gone = new AbortController();
  readonly dir: string;
  readonly container: ReturnType<typeof running>;

  private constructor(dir: string, changes: RunningChanges) {
    this.dir = dir;
    const run = { ...changes.run, logPath: `${dir}/0.log` };
    this.container = running({ ...changes, run, gone: this.gone.signal });
    this.all.add(this.container);
  }

  static async open(changes: RunningChanges = {}): Promise<Scene> {
    const scene = new Scene(await Deno.makeTempDir(), changes);
    await scene.log("old\n");
    return scene;
  }

  /** Writes as the guest's process does: what has no line end is a part. */
  async log(text: string, stream = "stdout"): Promise<void> {
    const records = text.split(/(?<=\n)/).map((line) =>
      `2026-01-01T00:00:00.000000000Z ${stream} ${line.endsWith("\n") ? "F" : "P"} ${
        line.replace(/\n$/, "")
      }\n`
    );
    await Deno.writeTextFile(`${this.dir}/0.log`, records.join(""), { append: true });
  }

  /** What its guest reads next. */
  async read(): Promise<string | undefined> {
    this.#reader ??= this.container.input!.readable.getReader();
    const { done, value } = await this.#reader.read();
    return done ? undefined : new TextDecoder().decode(value);
  }

  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.dir, { recursive: true });
  }
}

Deno.test("attachAndStream() shows what is written from now on, to its end, each stream by itself", async () => {
  await using scene = await Scene.open({ spec: { stdin: true } });
  const peer = new Peer({ stdin: true });
  const ended = attachAndStream(scene.all, place, peer.session);
  await peer.type("go");
  assert.equal(await scene.read(), "go"); // so its reading has begun
  await scene.log("new\nprompt> ");
  await peer.hears("new\nprompt> ");
  await scene.log("error\n", "stderr");
  await scene.log("last");
  scene.gone.abort();
  assert.deepEqual(await ended, { kind: "exited", code: 0 });
  assert.deepEqual(peer.said, { stdout: "new\nprompt> last", stderr: "error\n" });
});

Deno.test("attachAndStream() has the input of a container from whoever is attached", async () => {
  await using scene = await Scene.open({ spec: { stdin: true } });
  const [one, two] = [new Peer({ stdin: true }), new Peer({ stdin: true })];
  const sessions = [one, two].map((peer) => attachAndStream(scene.all, place, peer.session));
  await one.type("from one");
  assert.equal(await scene.read(), "from one");
  await one.endInput();
  await two.type("from two");
  assert.equal(await scene.read(), "from two"); // it is not at its end for that
  one.leave();
  two.leave();
  await Promise.all(sessions);
});

Deno.test("attachAndStream() ends the input with the first who was attached, where that is asked for", async () => {
  await using scene = await Scene.open({ spec: { stdin: true, stdinOnce: true } });
  const peer = new Peer({ stdin: true });
  const session = attachAndStream(scene.all, place, peer.session);
  await peer.type("all");
  assert.equal(await scene.read(), "all");
  await peer.endInput();
  assert.equal(await scene.read(), undefined);
  peer.leave();
  await session;
});

Deno.test("attachAndStream() is a terminal where the container has one, and leaves with Ctrl-C", async () => {
  await using scene = await Scene.open({ spec: { stdin: true, tty: true } });
  const peer = new Peer({ stdin: true, tty: true });
  const ended = attachAndStream(scene.all, place, peer.session);
  await peer.type("ls\r");
  assert.equal(await scene.read(), "ls\n");
  await scene.log("a\nb\n");
  await peer.hears("ls\r\na\r\nb\r\n");
  await peer.type("\x03");
  assert.deepEqual(await ended, { kind: "exited", code: 0 });
});

Deno.test("attachAndStream() cuts off a client that reads nothing, and no other", async () => {
  await using scene = await Scene.open({ spec: { stdin: true } });
  const [slow, other] = [new Peer({ stdin: true }), new Peer()];
  const { promise, resolve } = Promise.withResolvers<void>();
  slow.holding = promise;
  const cut = attachAndStream(scene.all, { ...place, writeMsMax: 20 }, slow.session);
  await slow.type("ready");
  await scene.read();
  await scene.log("words\n");
  const end = await cut;
  assert.equal(end.kind, "failed");
  assert.match("message" in end ? end.message : "", /app.*cut off/);
  resolve();
  const sees = attachAndStream(scene.all, place, other.session);
  other.leave();
  assert.deepEqual(await sees, { kind: "exited", code: 0 });
});

Deno.test("attachAndStream() leaves nothing behind at a container that goes on", async () => {
  await using scene = await Scene.open();
  const { gone } = scene.container;
  const listening = new Set<unknown>();
  gone.addEventListener = (...args: Parameters<AbortSignal["addEventListener"]>): void => {
    const [, listener, options] = args;
    listening.add(listener);
    const signal = typeof options === "object" ? options.signal : undefined;
    signal?.addEventListener("abort", () => listening.delete(listener));
    AbortSignal.prototype.addEventListener.apply(gone, args);
  };
  const peer = new Peer();
  const session = attachAndStream(scene.all, place, peer.session);
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(listening.size, 1);
  peer.leave();
  await session;
  assert.equal(listening.size, 0);
});
