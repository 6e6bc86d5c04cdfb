import { explainEnd, type ProcessEnd } from "./ending.ts";
import { deadline, GuestChild } from "./guest_child.ts";
import type { GuestControl } from "./guest_process.ts";
import type { Launch } from "./launch.ts";
import { WORKER_END_MS_MAX } from "./limits.ts";
import type { Order, RunEnd, Word } from "./protocol.ts";

/** Longer than the process itself waits, so that it may say what it sees. */
const END_MS_MAX = WORKER_END_MS_MAX + 250;

/** A process for many guests of one module, seen from the agent. */
export class SharedProcess {
  readonly #child: GuestChild;
  readonly #runs = new Map<number, (word: Word) => void>();
  /** Why it was killed: a guest that could not be ended. */
  #blame: string | undefined;
  #lastId = 0;

  private constructor(child: GuestChild) {
    this.#child = child;
    void this.#listen();
  }

  /** Starts a process. Rejects if it cannot be, or if it cannot keep its promises on this machine. */
  static async boot(launch: Launch, signal: AbortSignal): Promise<SharedProcess> {
    return new SharedProcess(await GuestChild.boot(launch, signal));
  }

  /** Settles when the process is gone; never rejects. */
  get ended(): Promise<ProcessEnd> {
    return this.#child.ended;
  }

  /** The operating system's number of this process. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Guests that are in it. */
  get guests(): number {
    return this.#runs.size;
  }

  /** Kills the process and waits until it is gone. */
  async end(): Promise<void> {
    await this.#child.end();
  }

  /**
   * Runs a guest in it. `declined` if this module cannot share a process; nothing of it has run then.
   * If the process dies, all its guests have crashed.
   */
  async run(order: Order, control: GuestControl): Promise<RunEnd | "declined"> {
    const child = this.#child;
    const id = ++this.#lastId;
    const last = Promise.withResolvers<RunEnd | "declined">();
    const late = deadline();
    let started = false;
    this.#runs.set(id, (word) => {
      if (word.word === "started") {
        if (!started && word.thread !== undefined) control.onThread?.(word.thread);
        if (!started && !control.kill.aborted) control.onStarted();
        started = true;
      } else if (word.word === "declined") last.resolve("declined");
      else if (word.word === "exit") {
        // Nobody else may say of a guest that it was killed.
        const killed = word.exit.kind === "killed" && !control.kill.aborted;
        const exit = killed ? { kind: "crashed", message: "It was ended" } as const : word.exit;
        last.resolve({ exit, droppedLogBytes: word.droppedLogBytes });
      }
    });
    const onKill = () => {
      late.start(END_MS_MAX);
      void late.passed.then(() => this.#killFor(order));
      void child.send({ do: "end", id });
    };
    if (this.#runs.size === 1) child.ref();
    void child.send({ do: "run", id, order });
    control.kill.addEventListener("abort", onKill);
    if (control.kill.aborted) onKill();
    try {
      const died = child.ended.then((end) => this.#death(end, control));
      return await Promise.race([last.promise, died]);
    } finally {
      control.kill.removeEventListener("abort", onKill);
      late.clear();
      this.#runs.delete(id);
      if (this.#runs.size === 0) child.unref();
    }
  }

  #killFor({ logPath }: Order): void {
    this.#blame = `a guest in it (log "${
      logPath ?? "none"
    }") could not be ended within ${END_MS_MAX} ms`;
    this.#child.kill();
  }

  #death(end: ProcessEnd, { kill }: GuestControl): RunEnd {
    const droppedLogBytes = 0;
    if (kill.aborted) return { exit: { kind: "killed" }, droppedLogBytes };
    const message = "The process that the guest shared with others of its module was ended";
    if (this.#blame !== undefined) {
      return { exit: { kind: "crashed", message: `${message}: ${this.#blame}` }, droppedLogBytes };
    }
    const why = explainEnd(end);
    const reason = "message" in why ? `: ${why.message}` : "";
    return { exit: { ...why, kind: "crashed", message: message + reason }, droppedLogBytes };
  }

  async #listen(): Promise<void> {
    for await (const word of this.#child.words) {
      if ("id" in word && word.id !== undefined) this.#runs.get(word.id)?.(word);
    }
  }
}
