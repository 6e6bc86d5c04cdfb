/**
 * A shared process: runs many guests of one module, each in a Worker. This thread runs none of them: it
 * takes commands, hands out what is compiled, and ends Workers.
 *
 * @module
 */
import type { Kernel } from "./kernel.ts";
import { ORDER_BYTES_MAX, WORKER_END_MS_MAX, WORKER_REFILL_MS } from "./limits.ts";
import { limitShared } from "./process_limits.ts";
import { type Command, encodeLine, type Order, type RunEnd, type SaidInLine } from "./protocol.ts";
import { Reaper } from "./reaper.ts";
import { type FromWorker, SharedWorker, type SharedWorkerOptions } from "./shared_worker.ts";

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
  const share = limitShared(kernel);
  try {
    const house = new GuestHouse({ libc, share, reaper: Reaper.open(kernel, libc) });
    await house.prove();
    await house.warmUp();
    say({ word: "ready" });
    for await (const command of readCommands()) {
      if (command.do === "run") void house.run(command.id, command.order);
      else house.end(command.id);
    }
  } catch (error) {
    say({ word: "unfit", why: messageOf(error) });
  }
  Deno.exit(0);
}

/** The guests of this process. */
class GuestHouse {
  readonly #options: SharedWorkerOptions;
  readonly #guests = new Map<number, { readonly end: () => void }>();
  /** Compiled once for each memory limit, which is a part of the compiled module. */
  readonly #modules = new Map<number | undefined, Promise<WebAssembly.Module | undefined>>();
  #spare: Promise<SharedWorker> | undefined;
  #refillTimer: ReturnType<typeof setTimeout> | undefined;
  #booting: Promise<unknown> = Promise.resolve();

  constructor(options: SharedWorkerOptions) {
    this.#options = options;
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
    const { promise: ending, resolve: end } = Promise.withResolvers<"end">();
    this.#guests.set(id, { end: () => end("end") });
    const taken = this.#take();
    const worker = await Promise.race([taken, ending]).catch(messageOf);
    if (worker === "end") {
      // Others may be waiting for their Workers as well, longer than the agent waits for an end.
      this.#giveBack(taken);
      say({ word: "exit", id, ...KILLED });
    } else if (typeof worker === "string") {
      say({ word: "exit", id, exit: { kind: "crashed", message: worker }, droppedLogBytes: 0 });
    } else {
      const last = await this.#see(worker, { id, order, ending });
      const gone = await worker.end();
      if (gone || last !== "end") say(last === "end" ? { word: "exit", id, ...KILLED } : last);
      if (!gone) this.#giveUp(id);
    }
    this.#guests.delete(id);
    this.#refill();
  }

  /** Ends a guest; what is not here has ended already. */
  end(id: number): void {
    clearTimeout(this.#refillTimer);
    this.#guests.get(id)?.end();
  }

  /** Sees a guest through to what its Worker says last, or until it is to be ended. */
  async #see(
    worker: SharedWorker,
    { id, order, ending }: {
      readonly id: number;
      readonly order: Order;
      readonly ending: Promise<"end">;
    },
  ): Promise<SaidInLine | "end"> {
    const known = this.#modules.get(order.memoryBytes);
    const module = known && await Promise.race([known, ending]);
    if (module === "end") return "end";
    const compiled = Promise.withResolvers<WebAssembly.Module | undefined>();
    if (module === undefined) this.#modules.set(order.memoryBytes, compiled.promise);
    const ended = new Promise<SaidInLine>((resolve) => {
      worker.onMessage = (message) => {
        if (message?.say === "started") {
          say({ word: "started", id, ...worker.place });
          this.#refill();
        } else if (message?.say === "compiled") compiled.resolve(message.module);
        else if (message === undefined || message.say !== "up") resolve(lastWord(id, message));
      };
    });
    worker.tell({ do: "run", order, ...(module === undefined ? {} : { module }) });
    try {
      return await Promise.race([ended, ending]);
    } finally {
      compiled.resolve(undefined); // who waits for it must compile it, whatever came of this guest
    }
  }

  /** A thread that stays is everybody's end: the agent would wait for ever for what it must not say. */
  #giveUp(id: number): void {
    Deno.stderr.writeSync(
      new TextEncoder().encode(
        `Guest ${id} could not be ended within ${WORKER_END_MS_MAX} ms\n`,
      ),
    );
    this.#options.reaper.endProcess();
  }

  /** The warm Worker, or a new one. */
  #take(): Promise<SharedWorker> {
    const spare = this.#spare ?? this.#boot();
    this.#spare = undefined;
    return spare;
  }

  /** Keeps a Worker that has run nothing for the next guest. */
  #giveBack(taken: Promise<SharedWorker>): void {
    if (this.#spare === undefined) this.#keep(taken);
    else void taken.then((worker) => worker.end(), () => {});
  }

  #keep(spare: Promise<SharedWorker>): void {
    this.#spare = spare;
    spare.catch(() => {
      if (this.#spare === spare) this.#spare = undefined; // the next guest tries again, and hears why
    });
  }

  /** Boots a Worker for the next guest once nothing starts or ends: a boot holds up this thread. */
  #refill(): void {
    clearTimeout(this.#refillTimer);
    this.#refillTimer = setTimeout(() => {
      if (this.#spare === undefined) this.#keep(this.#boot());
    }, WORKER_REFILL_MS);
  }

  #boot(): Promise<SharedWorker> {
    const boot = this.#booting.then(() => SharedWorker.boot(this.#options));
    this.#booting = boot.catch(() => {});
    return boot;
  }
}

const KILLED: RunEnd = { exit: { kind: "killed" }, droppedLogBytes: 0 };

function lastWord(
  id: number,
  message: Extract<FromWorker, { say: "declined" | "exit" }> | undefined,
): SaidInLine {
  if (message?.say === "declined") return { word: "declined", id };
  if (message?.say === "exit") return { word: "exit", id, ...message.end };
  const exit = { kind: "crashed", message: "The guest's Worker failed" } as const;
  return { word: "exit", id, exit, droppedLogBytes: 0 };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function say(word: SaidInLine): void {
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
    const lines = line.split("\n");
    line = lines.pop()!;
    if (line.length > 2 * ORDER_BYTES_MAX) return; // an order, and with room what is around it
    for (const complete of lines) yield JSON.parse(complete) as Command;
  }
}
