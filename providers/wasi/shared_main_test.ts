/** What becomes of the other guests of a shared process when one is ended early. */
import assert from "node:assert/strict";
import type { ContainerRun, Exit } from "../../lib/mod.ts";
import { openFixture, print, SLEEPS, start, until, type WasiFixture } from "./testing.ts";

const never = new AbortController().signal;
const ignore = Deno.build.os !== "linux";
const WORKER = { runtimeHandler: "krustlet-worker" } as const;
/** Bytes of code in one function, of the 7,654,321 that V8 takes. */
const FUNCTION_BYTES = 7_000_000;
/** As many functions take the compiler a quarter of a second. */
const FUNCTIONS = 8;

/** A run that may be ended at any time. */
interface Running {
  readonly ended: Promise<Exit>;
  readonly kill: AbortController;
}

function run({ provider }: WasiFixture, container: ContainerRun, onStarted = () => {}): Running {
  const kill = new AbortController();
  return { ended: provider.run(container, { onStarted, stop: never, kill: kill.signal }), kill };
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** A module with functions that nobody calls, behind its other ones: the compiler reads them all. */
function enlarge(module: Uint8Array): Uint8Array<ArrayBuffer> {
  const code = new Uint8Array(FUNCTION_BYTES).fill(0x01); // nop
  code[0] = 0; // no locals
  code[FUNCTION_BYTES - 1] = 0x0b;
  const body = [...leb128(FUNCTION_BYTES), ...code];
  const bytes: number[][] = [[...module.subarray(0, 8)]];
  for (const { id, content } of sections(module)) {
    // The first type of `start()` is of `proc_exit`, a function with one parameter.
    const more = id === 3 ? Array.from({ length: FUNCTIONS }, () => [0]) : [];
    const bodies = id === 10 ? Array.from({ length: FUNCTIONS }, () => body) : [];
    const [count = 0, ...rest] = content;
    const added = more.length + bodies.length;
    const head = [...(added > 0 ? leb128(count + added) : [count]), ...rest];
    const length = head.length + more.length + bodies.length * body.length;
    bytes.push([id, ...leb128(length)], head, ...more, ...bodies);
  }
  const whole = new Uint8Array(bytes.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of bytes) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The sections of a module that has fewer than 128 things of each kind. */
function* sections(module: Uint8Array): Generator<{ id: number; content: number[] }> {
  for (let at = 8; at < module.length;) {
    const id = module[at++]!;
    let [length, shift] = [0, 0];
    for (let byte = 0x80; byte >= 0x80; shift += 7) {
      byte = module[at++]!;
      length += (byte & 0x7f) * 2 ** shift;
    }
    yield { id, content: [...module.subarray(at, at + length)] };
    at += length;
  }
}

function leb128(value: number): number[] {
  return value < 0x80 ? [value] : [value & 0x7f | 0x80, ...leb128(value >>> 7)];
}

Deno.test({
  name: "a guest that is ended while its module is compiled leaves it to the next one",
  ignore,
  async fn(): Promise<void> {
    await using fixture = await openFixture({ poolSize: 0 }, WORKER);
    const wat = start(print(1, "ran\n"));
    const [first, second] = [await fixture.guestOf(wat), await fixture.guestOf(wat)];
    await Deno.writeFile(first.module.path, enlarge(await Deno.readFile(first.module.path)));
    const early = run(fixture, first);
    // The log is opened right before the module is read.
    await until(() => exists(first.logPath));
    const next = run(fixture, second);
    early.kill.abort();
    assert.deepEqual(await early.ended, { kind: "killed" });
    const late = setTimeout(() => next.kill.abort(), 90_000);
    assert.deepEqual(await next.ended, { kind: "exited", code: 0 });
    clearTimeout(late);
  },
});

Deno.test({
  name: "a guest that is ended while others get their Workers need not wait for its own",
  ignore,
  async fn(): Promise<void> {
    await using fixture = await openFixture({ poolSize: 0 }, WORKER);
    const others: Running[] = [];
    let started = 0;
    for (let count = 0; count < 20; count++) {
      others.push(run(fixture, await fixture.guestOf(SLEEPS), () => void started++));
    }
    const last = run(fixture, await fixture.guestOf(SLEEPS));
    await until(() => Promise.resolve(started >= 2));
    last.kill.abort();
    assert.deepEqual(await last.ended, { kind: "killed" });
    assert.ok(started < 15, `${started} others came first`);
    await until(() => Promise.resolve(started === 20));
    for (const { kill } of others) kill.abort();
    for (const { ended } of others) assert.deepEqual(await ended, { kind: "killed" });
  },
});
