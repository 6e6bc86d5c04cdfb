import { SLEEP_SLICE_MS_MAX } from "../../limits.ts";
import { POLLFD_BYTES, POLLIN } from "./constants.ts";
import type { Library } from "./library.ts";
import { NS_PER_S } from "./times.ts";

const SLICE_NS = BigInt(SLEEP_SLICE_MS_MAX) * 1_000_000n;

/** Something that may have news while a guest waits. */
export interface Heeded {
  /** Can be read when there is some, until it is looked at. */
  readonly descriptor: number | undefined;
  /** There is some that nobody can be woken for any more. */
  readonly heard: boolean;
  /** Looks, and does what follows. */
  look(): void;
}

/** `ppoll` over descriptors, in one array of `struct pollfd` that is used again and again. */
export class Polling {
  /** What is looked at whenever somebody waits, whatever for. */
  heeded: Heeded | undefined;
  readonly #library: Library;
  readonly #timespec = new BigInt64Array(2);
  #pollfds = new DataView(new ArrayBuffer(2 * POLLFD_BYTES));

  constructor(library: Library) {
    this.#library = library;
  }

  /** Makes room for so many descriptors, and for the one that is heeded. */
  reserve(count: number): void {
    if (this.#pollfds.byteLength >= (count + 1) * POLLFD_BYTES) return;
    this.#pollfds = new DataView(new ArrayBuffer(2 * (count + 1) * POLLFD_BYTES));
  }

  /** Says which descriptor to wait for, and for what. */
  set(index: number, fd: number, events: number): void {
    this.#pollfds.setInt32(index * POLLFD_BYTES, fd, true);
    this.#pollfds.setInt32(index * POLLFD_BYTES + 4, events, true);
  }

  /** What is waited for at this place. */
  wantedAt(index: number): number {
    return this.#pollfds.getInt16(index * POLLFD_BYTES + 4, true);
  }

  /** What the last {@linkcode poll} told of a descriptor; 0 for nothing. */
  eventsOf(index: number): number {
    return this.#pollfds.getInt16(index * POLLFD_BYTES + 6, true);
  }

  /**
   * Blocks until one of the first `count` is ready or there is news, and for one slice of time at most.
   * Answers how many are, or -1.
   */
  poll(count: number, timeoutNs: bigint = SLICE_NS): number {
    const slice = timeoutNs > SLICE_NS ? SLICE_NS : timeoutNs;
    this.#timespec[0] = slice / NS_PER_S;
    this.#timespec[1] = slice % NS_PER_S;
    const { functions } = this.#library;
    if (this.heeded?.heard) this.heeded.look();
    const news = this.heeded?.descriptor;
    if (news === undefined) {
      return functions.ppoll(this.#pollfds, BigInt(count), this.#timespec, null);
    }
    this.set(count, news, POLLIN);
    const answer = functions.ppoll(this.#pollfds, BigInt(count + 1), this.#timespec, null);
    if (answer <= 0 || this.eventsOf(count) === 0) return answer;
    this.heeded?.look();
    return answer - 1;
  }

  /** As {@linkcode poll}, for one descriptor. */
  pollOne(fd: number, events: number, timeoutNs?: bigint): number {
    this.set(0, fd, events);
    return this.poll(1, timeoutNs);
  }
}
