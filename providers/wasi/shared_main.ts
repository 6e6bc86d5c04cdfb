/**
 * A shared process: runs many guests of one module, each in a Worker. This thread runs none of them: it
 * takes commands, hands out what is compiled, and ends Workers.
 *
 * @module
 */
import type { Kernel } from "./kernel.ts";
import { ORDER_BYTES_MAX, WORKER_REFILL_MS } from "./limits.ts";
import { limitProcess } from "./process_limits.ts";
import { type Command, encodeLine, type Order, type RunEnd, type Word } from "./protocol.ts";
import { Reaper } from "./reaper.ts";
import { type FromWorker, SharedWorker } from "./shared_worker.ts";

/** What a shared process is started with. */
export interface SharedProcessStart {
  readonly kernel: Kernel;
  /** Path of the C library. */
  readonly libc: string;
}

/**
 * Tries whether a Worker can be ended here, keeps one warm, and obeys the agent until it closes the
 * pipe. Never returns.
 */
export async function serveGuests({ kernel, libc }: SharedProcessStart): Promise<never> {
  limitProcess(kernel, {});
  try {
    const house = new GuestHouse(Reaper.open(kernel, libc), libc);
    await house.prove();
    await house.warmUp();
    say({ word: "ready" });
    for await (const command of readCommands()) {
      if (command.do === "run") void house.run(command.id, command.order);
      else house.end(command.id);
    }
  } catch (error) {
    say({ word: "unfit", why: error instanceof Error ? error.message : String(error) });
  }
  Deno.exit(0);
}

/** The guests of this process. */
class GuestHouse {
  readonly #reaper: Reaper;
  readonly #libc: string;
  readonly #guests = new Map<number, { readonly end: () => void }>();
  /** Compiled once for each memory limit, which is a part of the compiled module. */
  readonly #modules = new Map<number | undefined, Promise<WebAssembly.Module | undefined>>();
  #spare: Promise<SharedWorker> | undefined;
  #refillTimer: ReturnType<typeof setTimeout> | undefined;
  #booting: Promise<unknown> = Promise.resolve();

  constructor(reaper: Reaper, libc: string) {
    this.#reaper = reaper;
    this.#libc = libc;
  }

  /** Throws unless an endless loop in a Worker can be ended. */
  async prove(): Promise<void> {
    const worker = await this.#boot();
    worker.tell({ do: "spin" });
    if (!await worker.end()) {
      throw new Error("Cannot end a Worker that loops: this runtime lets its thread go on");
    }
  }

  /** Resolves when there is a Worker for the next guest. */
  async warmUp(): Promise<void> {
    this.#spare ??= this.#boot();
    await this.#spare;
  }

  /** Runs a guest and says how it went. Never rejects. */
  async run(id: number, order: Order): Promise<void> {
    clearTimeout(this.#refillTimer);
    const ending = Promise.withResolvers<"end">();
    this.#guests.set(id, { end: () => ending.resolve("end") });
    let worker: SharedWorker | undefined;
    let last: Word;
    try {
      worker = await this.#take();
      last = { word: "exit", id, ...KILLED };
      const said = await Promise.race([this.#see(worker, id, order), ending.promise]);
      if (said !== "end") last = said;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      last = { word: "exit", id, exit: { kind: "crashed", message }, droppedLogBytes: 0 };
    }
    this.#guests.delete(id);
    // Without an answer the agent kills this process: a thread that stays is everybody's end.
    if (await worker?.end() ?? true) say(last);
    this.#refill();
  }

  /** Ends a guest; what is not here has ended already. */
  end(id: number): void {
    clearTimeout(this.#refillTimer);
    this.#guests.get(id)?.end();
  }

  /** Sees a guest through to what its Worker says last. */
  async #see(worker: SharedWorker, id: number, order: Order): Promise<Word> {
    const module = await this.#modules.get(order.memoryBytes);
    const compiled = Promise.withResolvers<WebAssembly.Module | undefined>();
    if (module === undefined) this.#modules.set(order.memoryBytes, compiled.promise);
    try {
      return await new Promise<Word>((resolve) => {
        worker.onMessage = (message) => {
          if (message?.say === "started") {
            say({ word: "started", id });
            this.#refill();
          } else if (message?.say === "compiled") compiled.resolve(message.module);
          else if (message === undefined || message.say !== "up") resolve(lastWord(id, message));
        };
        worker.tell({ do: "run", order, ...(module === undefined ? {} : { module }) });
      });
    } finally {
      compiled.resolve(undefined);
    }
  }

  /** The warm Worker, or a new one. */
  #take(): Promise<SharedWorker> {
    const spare = this.#spare ?? this.#boot();
    this.#spare = undefined;
    return spare;
  }

  /** Boots a Worker for the next guest once nothing starts or ends: a boot holds up this thread. */
  #refill(): void {
    clearTimeout(this.#refillTimer);
    this.#refillTimer = setTimeout(() => {
      if (this.#spare !== undefined) return;
      this.#spare = this.#boot();
      this.#spare.catch(() => {
        this.#spare = undefined; // the next guest tries again, and hears why
      });
    }, WORKER_REFILL_MS);
  }

  #boot(): Promise<SharedWorker> {
    const boot = this.#booting.then(() => SharedWorker.boot({ libc: this.#libc }, this.#reaper));
    this.#booting = boot.catch(() => {});
    return boot;
  }
}

const KILLED: RunEnd = { exit: { kind: "killed" }, droppedLogBytes: 0 };

function lastWord(
  id: number,
  message: Extract<FromWorker, { say: "declined" | "exit" }> | undefined,
): Word {
  if (message?.say === "declined") return { word: "declined", id };
  if (message?.say === "exit") return { word: "exit", id, ...message.end };
  const exit = { kind: "crashed", message: "The guest's Worker failed" } as const;
  return { word: "exit", id, exit, droppedLogBytes: 0 };
}

function say(word: Word): void {
  const bytes = encodeLine(word);
  let written = 0;
  while (written < bytes.length) written += Deno.stdout.writeSync(bytes.subarray(written));
}

/** The agent's commands, one a line, until it closes the pipe. */
async function* readCommands(): AsyncGenerator<Command, void> {
  let line = "";
  const decoder = new TextDecoder();
  for await (const chunk of Deno.stdin.readable) {
    line += decoder.decode(chunk, { stream: true });
    if (line.length > ORDER_BYTES_MAX) return;
    const lines = line.split("\n");
    line = lines.pop()!;
    for (const complete of lines) yield JSON.parse(complete) as Command;
  }
}
