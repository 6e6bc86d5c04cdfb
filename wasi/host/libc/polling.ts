import { SLEEP_SLICE_MS_MAX } from "../../limits.ts";
import { POLLFD_BYTES } from "./constants.ts";
import type { Library } from "./library.ts";
import { NS_PER_S } from "./times.ts";

const SLICE_NS = BigInt(SLEEP_SLICE_MS_MAX) * 1_000_000n;

/** `ppoll` over descriptors, in one array of `struct pollfd` that is used again and again. */
export class Polling {
  readonly #library: Library;
  readonly #timespec = new BigInt64Array(2);
  #pollfds = new DataView(new ArrayBuffer(POLLFD_BYTES));

  constructor(library: Library) {
    this.#library = library;
  }

  /** Makes room for so many descriptors. */
  reserve(count: number): void {
    if (this.#pollfds.byteLength >= count * POLLFD_BYTES) return;
    this.#pollfds = new DataView(new ArrayBuffer(2 * count * POLLFD_BYTES));
  }

  /** Says which descriptor to wait for, and for what. */
  set(index: number, fd: number, events: number): void {
    this.#pollfds.setInt32(index * POLLFD_BYTES, fd, true);
    this.#pollfds.setInt32(index * POLLFD_BYTES + 4, events, true);
  }

  /** What the last {@linkcode poll} told of a descriptor; 0 for nothing. */
  eventsOf(index: number): number {
    return this.#pollfds.getInt16(index * POLLFD_BYTES + 6, true);
  }

  /**
   * Blocks until one of the first `count` is ready, and for one slice of time at most. Answers how many
   * are, or -1.
   */
  poll(count: number, timeoutNs: bigint = SLICE_NS): number {
    const slice = timeoutNs > SLICE_NS ? SLICE_NS : timeoutNs;
    this.#timespec[0] = slice / NS_PER_S;
    this.#timespec[1] = slice % NS_PER_S;
    return this.#library.functions.ppoll(this.#pollfds, BigInt(count), this.#timespec, null);
  }

  /** As {@linkcode poll}, for one descriptor. */
  pollOne(fd: number, events: number, timeoutNs?: bigint): number {
    this.set(0, fd, events);
    return this.poll(1, timeoutNs);
  }
}
