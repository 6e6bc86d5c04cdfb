/**
 * The rest of a blob in several requests at once, for links on which one connection is slow.
 *
 * @module
 */
import { PullFailure } from "./failure.ts";
import { PART_BYTES, READ_BYTES } from "./limits.ts";
import { openBlob, type Visit } from "./reading.ts";
import type { Reply } from "./reply.ts";

/** Where bytes go, in their order. */
export interface Sink {
  /** Bytes taken so far: a download goes on from here. */
  readonly size: number;
  /** Takes bytes; they may change as soon as the promise is fulfilled. */
  write(bytes: Uint8Array): Promise<void>;
  /** Begins again: what was written is dropped. */
  restart(): Promise<void>;
}

type Part = Uint8Array<ArrayBuffer> | Reply;

/** Parts that are under way; each waits in memory until those before it are written. */
export class Parts {
  /** Where the first part begins. */
  readonly from: number;
  readonly #visit: Visit;
  readonly #stop = new AbortController();
  readonly #digest: string;
  readonly #size: number;
  readonly #waiting: Promise<Part>[] = [];
  #next: number;

  /** Asks for the first `count` parts of what begins at `from`. */
  constructor(visit: Visit, options: {
    readonly digest: string;
    readonly size: number;
    readonly from: number;
    readonly count: number;
  }) {
    this.#visit = { ...visit, signal: AbortSignal.any([visit.signal, this.#stop.signal]) };
    this.#digest = options.digest;
    this.#size = options.size;
    this.from = this.#next = options.from;
    for (let i = 0; i < options.count; i++) this.#ask();
  }

  /** False if this server knows no ranges after all: then the rest must come in one piece. */
  async areSent(): Promise<boolean> {
    return await this.#waiting[0] instanceof Uint8Array;
  }

  /** Writes all parts in their order, and asks for one more whenever one is there. */
  async writeTo(sink: Sink): Promise<void> {
    for (let part = this.#waiting.shift(); part !== undefined; part = this.#waiting.shift()) {
      const bytes = await part;
      if (!(bytes instanceof Uint8Array)) {
        throw new PullFailure(`host "${bytes.url.host}" forgot how to send parts`, { retry: true });
      }
      this.#ask();
      // A piece at a time, so that hashing a whole part does not hold up everything else.
      for (let at = 0; at < bytes.length; at += READ_BYTES) {
        await sink.write(bytes.subarray(at, at + READ_BYTES));
      }
    }
  }

  /** Ends what is under way; nothing of it is left afterwards. */
  async stop(): Promise<void> {
    this.#stop.abort(new DOMException("The other parts are not needed", "AbortError"));
    await Promise.allSettled(this.#waiting);
  }

  #ask(): void {
    if (this.#next >= this.#size) return;
    const range = { from: this.#next, to: Math.min(this.#next + PART_BYTES, this.#size) - 1 };
    this.#next = range.to + 1;
    const part = fetchPart(this.#visit, this.#digest, range);
    // It is awaited in its turn; here so that one that fails before is not taken for unhandled.
    part.catch(() => {});
    this.#waiting.push(part);
  }
}

async function fetchPart(
  visit: Visit,
  digest: string,
  range: { readonly from: number; readonly to: number },
): Promise<Part> {
  const reply = await openBlob(visit, digest, range);
  if (reply.status !== 206) {
    await reply.discard();
    return reply;
  }
  const length = range.to - range.from + 1;
  const bytes = await reply.bytes(length);
  if (bytes.length === length) return bytes;
  throw new PullFailure(`host "${reply.url.host}" sent ${bytes.length} of ${length} bytes`, {
    retry: true,
  });
}
