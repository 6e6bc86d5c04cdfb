import { OUTPUT_RING_BYTES } from "../limits.ts";
import { Lock } from "./lock.ts";

const WORD = {
  lock: 0,
  /** Bytes that were ever taken out, and put in. */
  taken: 1,
  put: 2,
  /** The reader has been told that there is something. */
  told: 3,
  /** Nobody reads any more. */
  closed: 4,
  count: 5,
} as const;
/** Before each piece: the stream's number and how many bytes follow. */
const HEAD_BYTES = 8;
/** Longer writes are cut into pieces, so that one fits while another is read. */
const PIECE_BYTES_MAX = OUTPUT_RING_BYTES / 4;

/**
 * What threads write to streams that only the supervisor can write to. Writing returns when the bytes
 * are in the ring, and blocks while it is full. Each write stays in one piece in its stream.
 */
export class OutputRing {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #bytes: Uint8Array<SharedArrayBuffer>;
  readonly #lock: Lock;
  readonly #head = new Uint32Array(2);

  /** Opens the ring of others, or makes one. */
  constructor(buffer = new SharedArrayBuffer(4 * WORD.count + OUTPUT_RING_BYTES)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer, 0, WORD.count);
    this.#bytes = new Uint8Array(buffer, 4 * WORD.count);
    this.#lock = new Lock(this.#words, WORD.lock);
  }

  /** Writes all parts, one after the other; `ring` is called when the reader must be woken. */
  write(stream: number, parts: readonly Uint8Array[], ring: () => void): void {
    this.#lock.hold(() => {
      for (const part of parts) {
        for (let at = 0; at < part.length; at += PIECE_BYTES_MAX) {
          if (!this.#put(stream, part.subarray(at, at + PIECE_BYTES_MAX), ring)) return;
        }
      }
    });
  }

  /** Hands over what is there now, as copies. For the one reader. */
  read(take: (stream: number, bytes: Uint8Array<ArrayBuffer>) => void): void {
    const words = this.#words;
    Atomics.store(words, WORD.told, 0);
    const end = Atomics.load(words, WORD.put);
    for (let at = words[WORD.taken]!; at !== end;) {
      const [stream, length] = new Uint32Array(this.#copyOut(at, HEAD_BYTES).buffer);
      const bytes = this.#copyOut(at + HEAD_BYTES | 0, length!);
      at = at + HEAD_BYTES + length! | 0;
      Atomics.store(words, WORD.taken, at);
      Atomics.notify(words, WORD.taken);
      take(stream!, bytes);
    }
  }

  /** From now on what is written is lost, and nobody waits. */
  close(): void {
    Atomics.store(this.#words, WORD.closed, 1);
    Atomics.notify(this.#words, WORD.taken);
  }

  #put(stream: number, piece: Uint8Array, ring: () => void): boolean {
    const words = this.#words;
    const needed = HEAD_BYTES + piece.length;
    const put = words[WORD.put]!;
    while (true) {
      const taken = Atomics.load(words, WORD.taken);
      if (Atomics.load(words, WORD.closed) !== 0) return false;
      if (OUTPUT_RING_BYTES - (put - taken | 0) >= needed) break;
      Atomics.wait(words, WORD.taken, taken, CLOSED_CHECK_MS);
    }
    this.#head.set([stream, piece.length]);
    this.#copyIn(put, new Uint8Array(this.#head.buffer));
    this.#copyIn(put + HEAD_BYTES | 0, piece);
    Atomics.store(words, WORD.put, put + needed | 0);
    if (Atomics.exchange(words, WORD.told, 1) === 0) ring();
    return true;
  }

  #copyIn(position: number, bytes: Uint8Array): void {
    const at = position & OUTPUT_RING_BYTES - 1;
    const room = OUTPUT_RING_BYTES - at;
    this.#bytes.set(bytes.subarray(0, room), at);
    if (bytes.length > room) this.#bytes.set(bytes.subarray(room), 0);
  }

  #copyOut(position: number, length: number): Uint8Array<ArrayBuffer> {
    const at = position & OUTPUT_RING_BYTES - 1;
    const bytes = new Uint8Array(length);
    const first = this.#bytes.subarray(at, at + length);
    bytes.set(first);
    bytes.set(this.#bytes.subarray(0, length - first.length), first.length);
    return bytes;
  }
}

/** Whoever looks for room just before the ring is closed would sleep through it. */
const CLOSED_CHECK_MS = 100;
