import { type CallName, F_SETFL, MACHINES, STATX_BASIC_STATS } from "./constants.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** `syscall` of libc, once for each shape of parameters that follow the number of the call. */
export interface SyscallShapes {
  ofNumbers(
    call: bigint,
    a: bigint,
    b: bigint,
    c: bigint,
    d: bigint,
    e: bigint,
  ): number;
  ofBuffer(call: bigint, a: bigint, buffer: BufferSource, c: bigint, d: bigint): number;
  ofBuffers(
    call: bigint,
    a: bigint,
    one: BufferSource | null,
    two: BufferSource,
    d: bigint,
  ): number;
  ofNames(
    call: bigint,
    from: bigint,
    name: BufferSource,
    to: bigint,
    toName: BufferSource,
    flags: bigint,
  ): number;
  ofStat(
    call: bigint,
    directory: bigint,
    path: BufferSource,
    flags: bigint,
    mask: bigint,
    out: BufferSource,
  ): number;
}

const CALLS: Readonly<Record<CallName, bigint>> = MACHINES[Deno.build.arch].calls;
/** `sizeof(struct open_how)`, as `openat2` came with it. */
const OPEN_HOW_BYTES = 24n;

/**
 * System calls with the parameters that their functions in libc have, in that order. Each answers from
 * 0 up, or -1 and leaves an error number. Paths end with a NUL.
 */
export class SystemCalls {
  readonly #shapes: SyscallShapes;

  constructor(shapes: SyscallShapes) {
    this.#shapes = shapes;
  }

  ftruncate(fd: number, size: number): number {
    return this.#shapes.ofNumbers(CALLS.ftruncate, BigInt(fd), BigInt(size), 0n, 0n, 0n);
  }

  fadvise(fd: number, range: { offset: number; length: number }, advice: number): number {
    const [offset, length] = [BigInt(range.offset), BigInt(range.length)];
    return this.#shapes.ofNumbers(CALLS.fadvise64, BigInt(fd), offset, length, BigInt(advice), 0n);
  }

  fsync(fd: number): number {
    return this.#shapes.ofNumbers(CALLS.fsync, BigInt(fd), 0n, 0n, 0n, 0n);
  }

  fdatasync(fd: number): number {
    return this.#shapes.ofNumbers(CALLS.fdatasync, BigInt(fd), 0n, 0n, 0n, 0n);
  }

  /** `fcntl(fd, F_SETFL, flags)`. */
  setFlags(fd: number, flags: number): number {
    return this.#shapes.ofNumbers(CALLS.fcntl, BigInt(fd), BigInt(F_SETFL), BigInt(flags), 0n, 0n);
  }

  openat(directory: number, path: Bytes, { flags, mode }: { flags: number; mode: number }): number {
    const fd = BigInt(directory);
    return this.#shapes.ofBuffer(CALLS.openat, fd, path, BigInt(flags), BigInt(mode));
  }

  /** `how` is a `struct open_how`: flags, mode, resolve. */
  openat2(directory: number, path: Bytes, how: BigUint64Array<ArrayBuffer>): number {
    return this.#shapes.ofBuffers(CALLS.openat2, BigInt(directory), path, how, OPEN_HOW_BYTES);
  }

  mkdirat(directory: number, path: Bytes, mode: number): number {
    return this.#shapes.ofBuffer(CALLS.mkdirat, BigInt(directory), path, BigInt(mode), 0n);
  }

  unlinkat(directory: number, path: Bytes, flags: number): number {
    return this.#shapes.ofBuffer(CALLS.unlinkat, BigInt(directory), path, BigInt(flags), 0n);
  }

  renameat(from: At, to: At): number {
    const [fromFd, toFd] = [BigInt(from.fd), BigInt(to.fd)];
    return this.#shapes.ofNames(CALLS.renameat, fromFd, from.name, toFd, to.name, 0n);
  }

  /** Follows no link at the end of `from`. */
  linkat(from: At, to: At): number {
    const [fromFd, toFd] = [BigInt(from.fd), BigInt(to.fd)];
    return this.#shapes.ofNames(CALLS.linkat, fromFd, from.name, toFd, to.name, 0n);
  }

  readlinkat(directory: number, path: Bytes, out: Bytes): number {
    const bytes = BigInt(out.length);
    return this.#shapes.ofBuffers(CALLS.readlinkat, BigInt(directory), path, out, bytes);
  }

  /** Without a path: the times of the descriptor itself. */
  utimensat(
    { fd, name }: { fd: number; name: Bytes | null },
    times: BigInt64Array<ArrayBuffer>,
    flags: number,
  ): number {
    return this.#shapes.ofBuffers(CALLS.utimensat, BigInt(fd), name, times, BigInt(flags));
  }

  getdents64(directory: number, out: Bytes): number {
    const bytes = BigInt(out.length);
    return this.#shapes.ofBuffer(CALLS.getdents64, BigInt(directory), out, bytes, 0n);
  }

  /** Asks for everything that there was when `statx` came. */
  statx({ fd, name }: At, flags: number, out: Bytes): number {
    const mask = BigInt(STATX_BASIC_STATS);
    return this.#shapes.ofStat(CALLS.statx, BigInt(fd), name, BigInt(flags), mask, out);
  }

  clock_getres(clock: number, out: BigInt64Array<ArrayBuffer>): number {
    return this.#shapes.ofBuffer(CALLS.clock_getres, BigInt(clock), out, 0n, 0n);
  }

  sched_yield(): number {
    return this.#shapes.ofNumbers(CALLS.sched_yield, 0n, 0n, 0n, 0n, 0n);
  }
}

/** A name in an open directory. */
export interface At {
  readonly fd: number;
  readonly name: Bytes;
}
