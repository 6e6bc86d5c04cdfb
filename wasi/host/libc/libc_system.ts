import { SLEEP_SLICE_MS_MAX } from "../../limits.ts";
import { POLLFD_BYTES } from "./constants.ts";
import type { Library } from "./library.ts";
import type { Resolve } from "./resolver.ts";
import { Stat } from "./stat.ts";
import { NS_PER_S } from "./times.ts";

const SLICE_NS = BigInt(SLEEP_SLICE_MS_MAX) * 1_000_000n;

/** What the files and directories of one host share. */
export class LibcSystem {
  readonly library: Library;
  readonly stat: Stat;
  readonly resolve: Resolve;
  readonly #pollfd = new Uint8Array(POLLFD_BYTES);
  readonly #view = new DataView(this.#pollfd.buffer);

  constructor(library: Library, resolve: Resolve) {
    this.library = library;
    this.stat = new Stat(library);
    this.resolve = resolve;
  }

  /** True if a transfer would not block. */
  isReady(fd: number, events: number): boolean {
    return this.#pollOne(fd, events, 0n) !== 0;
  }

  /** Blocks until a transfer would not block, or for one slice of time. */
  waitFor(fd: number, events: number): void {
    this.#pollOne(fd, events, SLICE_NS);
  }

  /**
   * Blocks until one of these `struct pollfd` is ready, and for one slice of time at most. Answers how
   * many are, or -1.
   */
  poll(pollfds: Uint8Array<ArrayBuffer>, timeoutNs: bigint): number {
    const slice = timeoutNs > SLICE_NS ? SLICE_NS : timeoutNs;
    const timespec = new BigInt64Array([slice / NS_PER_S, slice % NS_PER_S]);
    const count = BigInt(pollfds.length / POLLFD_BYTES);
    return this.library.functions.ppoll(pollfds, count, timespec, null);
  }

  #pollOne(fd: number, events: number, timeoutNs: bigint): number {
    this.#view.setInt32(0, fd, true);
    this.#view.setInt16(4, events, true);
    return this.poll(this.#pollfd, timeoutNs);
  }
}
