import { StreamDescriptor } from "../descriptors/stream.ts";
import type { LibcHost } from "../host/libc/libc_host.ts";
import { Vectors } from "../memory.ts";
import { openDescriptors } from "../descriptors/open_descriptors.ts";
import type { WasiOptions } from "../options.ts";
import { OutputRing } from "./output_ring.ts";
import { type Question, type QuestionLine, type Reply, TOPIC } from "./questions.ts";
import { networkOf } from "../network/decision.ts";
import { answerNetwork, type Service } from "./service.ts";
import { SharedNews } from "./shared_news.ts";
import { SharedTable } from "./shared_table.ts";
import type { EndKind, LibcSetup } from "./thread_setup.ts";

/** Milliseconds after which threads hear of news: as soon as others do who must be woken for it. */
const NEWS_MS = 100;

/** Serves threads that make their calls themselves: streams of the embedder, and its decisions. */
export class LibcService implements Service {
  readonly setup: LibcSetup;
  readonly #options: WasiOptions;
  readonly #memory: WebAssembly.Memory;
  readonly #streams: StreamDescriptor[] = [];
  readonly #ring = new OutputRing();
  readonly #table: SharedTable;
  readonly #news: SharedNews | undefined;
  #watch: ReturnType<typeof setInterval> | undefined;

  constructor(
    options: WasiOptions,
    { host, memory }: { readonly host: LibcHost; readonly memory: WebAssembly.Memory },
  ) {
    this.#options = options;
    this.#memory = memory;
    const names: Uint8Array[] = [];
    const putStream = (stream: StreamDescriptor): number => this.#streams.push(stream) - 1;
    const stream = (handle: number): StreamDescriptor => this.#streams[handle]!;
    this.#table = new SharedTable({ host, shelf: { names, putStream, stream } });
    openDescriptors(host, options, this.#table);
    const { trace } = options;
    const traced = trace === undefined ? {} : {
      trace: putStream(
        new StreamDescriptor({ sink: (bytes) => trace(new TextDecoder().decode(bytes)) }),
      ),
    };
    this.#news = this.#beginNews();
    const { loopback } = networkOf(options);
    this.setup = {
      kind: "libc",
      table: this.#table.buffer,
      ring: this.#ring.buffer,
      ends: this.#streams.map(kindOf),
      names,
      ...traced,
      ...(this.#news === undefined ? {} : { news: this.#news.buffer }),
      ...(loopback === undefined ? {} : { loopback }),
    };
  }

  answer(_line: QuestionLine, question: Question): Reply {
    if (question.topic !== TOPIC.read) return answerNetwork(this.#options, question);
    const [handle, pointer, length] = question.values.map(Number) as [number, number, number];
    return { value: this.#streams[handle]!.read(this.#bufferAt(pointer, length)) };
  }

  forget(): void {}

  flush(): void {
    this.#ring.read((stream, bytes) => {
      const end = this.#streams[stream]?.end;
      if (end !== undefined && "sink" in end) end.sink(bytes);
    });
  }

  close(): void {
    clearInterval(this.#watch);
    this.#ring.close();
    this.#table.interrupt();
  }

  finish(): Promise<void> {
    this.#table.closeAll();
    return Promise.resolve();
  }

  dispose(): void {
    clearInterval(this.#watch);
    this.#table.closeAll();
  }

  /** Hands news of the network on to the threads, for as long as there may be any. */
  #beginNews(): SharedNews | undefined {
    const { networkNews } = this.#options;
    if (networkNews === undefined) return undefined;
    const shared = new SharedNews();
    shared.tell(networkNews.look());
    this.#watch = setInterval(() => {
      const said = networkNews.look();
      // Again and again: a thread may have another one listen.
      if (said.closing) this.#table.stopListening();
      shared.tell(said);
    }, NEWS_MS);
    return shared;
  }

  /** A buffer of the guest's, which its thread has checked. */
  #bufferAt(pointer: number, length: number): Vectors {
    const vectors = new Vectors();
    vectors.memory = new Uint8Array(this.#memory.buffer);
    vectors.add(pointer, length);
    return vectors;
  }
}

function kindOf({ end }: StreamDescriptor): EndKind {
  if (end === undefined) return "nothing";
  return "sink" in end ? "sink" : "source";
}
