import { guestCalls, type ImportedCall } from "../calls/mod.ts";
import { socketCalls } from "../calls/sockets.ts";
import type { DescriptorTable } from "../descriptors/table.ts";
import type { HostFile } from "../host/host.ts";
import { PortableFile } from "../host/portable/portable_file.ts";
import { PortableHost } from "../host/portable/portable_host.ts";
import { GuestMemory } from "../memory.ts";
import { networkOf } from "../network/decision.ts";
import { openDescriptors } from "../descriptors/open_descriptors.ts";
import { encodeArgs, encodeEnv, type WasiOptions } from "../options.ts";
import { traceCalls } from "../trace/trace.ts";
import { LAYOUTS, READ_YOURSELF } from "./portable_imports.ts";
import type { Question, QuestionLine, Reply } from "./questions.ts";
import type { Service } from "./service.ts";

/** Makes the calls of threads that cannot make them themselves, each on its own account. */
export class PortableService implements Service {
  readonly setup = { kind: "portable" } as const;
  readonly #options: WasiOptions;
  readonly #memory: WebAssembly.Memory;
  readonly #host: PortableHost;
  readonly #table: DescriptorTable;
  /** The calls of each thread: what they re-use between two calls must not be another thread's. */
  readonly #calls = new Map<QuestionLine, ImportedCall[][]>();

  constructor(options: WasiOptions, memory: WebAssembly.Memory) {
    this.#options = options;
    this.#memory = memory;
    this.#host = new ServingHost({ suspends: true });
    this.#table = openDescriptors(this.#host, options);
    if (options.networkNews !== undefined) this.#host.heed(options.networkNews);
  }

  answer(line: QuestionLine, { values }: Question): Reply | Promise<Reply> {
    const [layout, call, ...args] = values;
    const answer = this.#callsOf(line)[Number(layout)]![Number(call)]!(...args);
    return typeof answer === "number" ? { value: answer } : answer.then((value) => ({ value }));
  }

  forget(line: QuestionLine): void {
    this.#calls.delete(line);
  }

  flush(): void {}

  close(): void {
    this.#host.heed(undefined);
  }

  async finish(): Promise<void> {
    this.#table.closeAll();
    await this.#host.finish();
  }

  dispose(): void {
    this.#table.closeAll();
    this.#host.end();
  }

  #callsOf(line: QuestionLine): ImportedCall[][] {
    const known = this.#calls.get(line);
    if (known !== undefined) return known;
    const memory = new GuestMemory();
    memory.bind(this.#memory);
    const { trace } = this.#options;
    const calls = LAYOUTS.map((layout) => {
      const made = guestCalls({
        memory,
        layout,
        host: this.#host,
        table: this.#table,
        network: networkOf(this.#options, { suspends: true }),
        args: encodeArgs(this.#options.args ?? []),
        env: encodeEnv(this.#options.env ?? {}),
        exit: () => {
          throw new Error("Cannot leave for a thread: it does that itself");
        },
      }, socketCalls);
      const write = trace;
      return Object.values(
        write === undefined ? made : traceCalls(made, { memory, layout, write }),
      );
    });
    this.#calls.set(line, calls);
    return calls;
  }
}

/** The host that makes calls for others: what could block it, they do themselves. */
class ServingHost extends PortableHost {
  override standard(number: 0 | 1 | 2): HostFile {
    return number === 0 ? new OthersInput(0, { flags: 0, borrowed: true }) : super.standard(number);
  }
}

class OthersInput extends PortableFile {
  override read(): number {
    return -READ_YOURSELF;
  }
}
