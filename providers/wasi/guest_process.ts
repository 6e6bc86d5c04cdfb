import type { ProcessEnd } from "./ending.ts";
import { explainEnd } from "./ending.ts";
import { deadline, GuestChild } from "./guest_child.ts";
import type { Launch } from "./launch.ts";
import { dataBytesMax } from "./memory_wall.ts";
import { EXIT_MS_MAX, KILL_MS_MAX } from "./limits.ts";
import type { Order, OutputStream, RunEnd } from "./protocol.ts";

/** Who is told of a run's beginning, and who may end it. */
export interface GuestControl {
  /** Called once, right before the guest's first instruction. */
  onStarted(): void;
  /** Called before that for a guest that shares a process, with the system's number of its thread. */
  onThread?(thread: number): void;
  /**
   * Takes what a guest without a log writes. Nothing more is read until it has settled; the bytes are good
   * until then.
   */
  readonly onOutput?: (stream: OutputStream, bytes: Uint8Array) => Promise<void> | void;
  /** What the guest reads, once it has begun. Cancelled when it is gone. @default {its stdin is at its end} */
  readonly stdin?: ReadableStream<Uint8Array>;
  /** Aborted when the guest must be gone. */
  readonly kill: AbortSignal;
}

/** A process for one guest, seen from the agent: booted, warm, given one order, gone. */
export class GuestProcess {
  readonly #child: GuestChild;

  private constructor(child: GuestChild) {
    this.#child = child;
  }

  /**
   * Starts a process and waits until it is ready for an order.
   *
   * @throws If it cannot be started, ends early, or takes too long; the signal's reason if that is
   * aborted. No process is left behind.
   */
  static async boot(launch: Launch, signal: AbortSignal): Promise<GuestProcess> {
    return new GuestProcess(await GuestChild.boot(launch, signal));
  }

  /** Settles when the process is gone and its last words are read; never rejects. */
  get ended(): Promise<ProcessEnd> {
    return this.#child.ended;
  }

  /** The operating system's number of this process. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Stops the process where it is, until {@linkcode resume}. It can be killed all the same. */
  pause(): void {
    this.#child.hold("SIGSTOP");
  }

  /** Lets a stopped process go on. */
  resume(): void {
    this.#child.hold("SIGCONT");
  }

  /** Kills the process and waits until it is gone. */
  async end(): Promise<void> {
    await this.#child.end();
  }

  /** Gives the one order that a process takes, and sees the guest through to its end. */
  async run(order: Order, control: GuestControl): Promise<RunEnd> {
    const child = this.#child;
    child.ref();
    const killed = deadline();
    const onKill = () => {
      child.kill();
      killed.start(KILL_MS_MAX);
    };
    control.kill.addEventListener("abort", onKill);
    if (control.kill.aborted) onKill();
    try {
      const last = await Promise.race([this.#converse(order, control), killed.passed]);
      if (last !== undefined) return last;
      if (control.kill.aborted) return { exit: { kind: "killed" }, droppedLogBytes: 0 };
      const limited = order.memoryBytes !== undefined;
      return { exit: explainEnd(await child.ended, { limited }), droppedLogBytes: 0 };
    } finally {
      control.kill.removeEventListener("abort", onKill);
      killed.clear();
      child.kill();
      child.unref();
    }
  }

  /** Until the process is gone; `undefined` if it went without a last word. */
  async #converse(order: Order, control: GuestControl): Promise<RunEnd | undefined> {
    const child = this.#child;
    if (order.logPath === undefined) child.mayTalk();
    const dataMax = await dataBytesMax(order, child.pid);
    const { stdin } = control;
    const whole = {
      ...order,
      ...(dataMax === undefined ? {} : { dataBytesMax: dataMax }),
      ...(stdin === undefined ? {} : { stdin: true }),
    };
    await child.send(whole, { last: stdin === undefined });
    let last: RunEnd | undefined;
    const overdue = deadline();
    const gone = new AbortController();
    let started = false;
    let feeding: Promise<void> | undefined;
    try {
      for (let next = await child.words.next(); !next.done; next = await child.words.next()) {
        const said = next.value;
        if (said.word === "started" && !started) {
          started = true;
          if (!control.kill.aborted) control.onStarted();
          if (stdin !== undefined) feeding = child.feed(stdin, gone.signal);
        }
        if (said.word === "output") {
          if (order.logPath !== undefined) child.kill(); // its guest writes to its log, so it lies
          else await control.onOutput?.(said.stream, said.bytes);
        }
        if (said.word !== "exit") continue;
        const { exit, droppedLogBytes, cpuNanos } = said;
        last = { exit, droppedLogBytes, ...(cpuNanos === undefined ? {} : { cpuNanos }) };
        break;
      }
      overdue.start(EXIT_MS_MAX);
      void overdue.passed.then(() => child.kill());
      await child.drain();
    } finally {
      overdue.clear();
      gone.abort();
      await feeding;
    }
    return last;
  }
}
