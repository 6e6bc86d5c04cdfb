/**
 * A clock that stands still while anybody is at work, and jumps to the next timer when nobody is.
 *
 * @module
 */

interface Timer {
  readonly id: number;
  readonly atMs: number;
  readonly fire: () => void;
}

/** The runtime's own answer to whether a program would end now; `beforeExit` of Node is told by it. */
interface Core {
  eventLoopHasMoreWork(): boolean;
}

/** Turns of the event loop after which the disk is waited for without haste. */
const TURNS_MAX = 2;
/** Milliseconds of such a wait, and how many of them there are before something is said to hang. */
const REST_MS = 1;
const RESTS_MAX = 30_000;

/**
 * Stands in for `setTimeout`, `clearTimeout`, `Date.now` and `performance.now` until it is disposed of. Work on
 * the disk takes no time on it: an hour passes in the time that its timers take.
 */
export class VirtualTime implements Disposable {
  readonly #real = { setTimeout, clearTimeout, now: Date.now, steady: performance.now };
  readonly #core: Core;
  #timers: Timer[] = [];
  #nowMs: number;
  #ids = 0;

  /** @param startMs what it shows at first, in ms since 1970. */
  constructor(startMs: number) {
    this.#nowMs = startMs;
    this.#core = coreOf();
    Object.assign(globalThis, {
      setTimeout: (fire: () => void, ms = 0) => this.#set(fire, ms),
      clearTimeout: (id?: number) => this.#clear(id),
    });
    Date.now = (): number => this.#nowMs;
    performance.now = (): number => this.#nowMs - startMs;
  }

  /** What it shows, in ms since 1970. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Lets time pass for as long as this work waits for it. */
  async during<Result>(work: Promise<Result>): Promise<Result> {
    let over = false;
    const noted = work.finally(() => {
      over = true;
    });
    noted.catch(() => {});
    for (;;) {
      await this.quiet();
      const next = over ? undefined : this.#timers.shift();
      if (next === undefined) break;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.fire();
    }
    if (!over) throw new Error("Cannot go on: everybody waits, and nobody for time to pass");
    return await noted;
  }

  /** Resolves when nothing is under way but waits for time to pass. */
  async quiet(): Promise<void> {
    let quiet = false;
    for (let turns = 0; turns < TURNS_MAX + RESTS_MAX; turns++) {
      if (turns >= TURNS_MAX && !quiet) await this.#rest();
      // In a timer's own turn, the runtime's answer says nothing.
      await new Promise<void>((resolve) => setImmediate(resolve));
      const before = quiet;
      quiet = !this.#core.eventLoopHasMoreWork();
      // What the turn before has set off, some steps of promises later, is seen in this one.
      if (quiet && before) return;
    }
    throw new Error("Cannot wait until all is quiet: something hangs");
  }

  [Symbol.dispose](): void {
    const { setTimeout, clearTimeout, now, steady } = this.#real;
    Object.assign(globalThis, { setTimeout, clearTimeout });
    Date.now = now;
    performance.now = steady;
    this.#timers = [];
  }

  #rest(): Promise<void> {
    return new Promise((resolve) => {
      this.#real.setTimeout.call(globalThis, resolve, REST_MS);
    });
  }

  #set(fire: () => void, ms: number): number {
    // In whole milliseconds: a part of one would be lost in a number as large as this, and never pass.
    const atMs = this.#nowMs + Math.ceil(Math.max(0, ms));
    const id = ++this.#ids;
    // Behind all that are due at the same time.
    let at = this.#timers.length;
    while (at > 0 && this.#timers[at - 1]!.atMs > atMs) at--;
    this.#timers.splice(at, 0, { id, atMs, fire });
    return id;
  }

  #clear(id?: number): void {
    this.#timers = this.#timers.filter((timer) => timer.id !== id);
  }
}

function coreOf(): Core {
  const internal: unknown = Reflect.get(Deno, Reflect.get(Deno, "internal"));
  const core: unknown = typeof internal === "object" && internal !== null
    ? Reflect.get(internal, "core")
    : undefined;
  if (isCore(core)) return core;
  throw new Error("Cannot tell whether all is quiet: this runtime does not say so");
}

function isCore(core: unknown): core is Core {
  return typeof core === "object" && core !== null &&
    typeof Reflect.get(core, "eventLoopHasMoreWork") === "function";
}
