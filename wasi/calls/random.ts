import { RANDOM_SLICE_BYTES_MAX } from "../limits.ts";

/** Bytes that are drawn ahead: a page, so that each lasts for many of the usual 8 to 32. */
const POOL_BYTES = 4_096;
/** Longer requests go past the pool, which they would only empty. */
const POOLED_BYTES_MAX = 256;

/** Random bytes that nobody can guess. Small requests are served from a pool, which is faster. */
export class Random {
  readonly #pool = new Uint8Array(POOL_BYTES);
  /** The pool's bytes from here on are fresh; those before are wiped. */
  #next = POOL_BYTES;

  /** Fills a view, which may be one of shared memory. */
  fill(bytes: Uint8Array): void {
    if (bytes.length <= POOLED_BYTES_MAX) this.#fillFromPool(bytes);
    else if (bytes.buffer instanceof ArrayBuffer) fillDirectly(bytes as Uint8Array<ArrayBuffer>);
    else this.#fillByCopying(bytes);
  }

  #fillFromPool(bytes: Uint8Array): void {
    if (this.#next + bytes.length > POOL_BYTES) {
      crypto.getRandomValues(this.#pool);
      this.#next = 0;
    }
    const pool = this.#pool;
    let next = this.#next;
    for (let index = 0; index < bytes.length; index++) {
      bytes[index] = pool[next]!;
      pool[next++] = 0; // what one has got must not be found here by anybody else
    }
    this.#next = next;
  }

  /** Web Crypto refuses shared memory. */
  #fillByCopying(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += POOL_BYTES) {
      const fresh = crypto.getRandomValues(new Uint8Array(Math.min(POOL_BYTES, bytes.length - at)));
      bytes.set(fresh, at);
    }
  }
}

function fillDirectly(bytes: Uint8Array<ArrayBuffer>): void {
  for (let at = 0; at < bytes.length; at += RANDOM_SLICE_BYTES_MAX) {
    crypto.getRandomValues(bytes.subarray(at, at + RANDOM_SLICE_BYTES_MAX));
  }
}
