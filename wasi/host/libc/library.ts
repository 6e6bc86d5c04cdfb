import { fromLinux } from "./linux_errno.ts";
import { type OwnedDescriptors, owning } from "./owned.ts";
import { libcPaths } from "./paths.ts";
import { SystemCalls } from "./system_calls.ts";

/**
 * Deno compiles a trampoline for each symbol: 0.2 ms of every guest's boot and a page of its memory.
 * So there are few, and most calls go through `syscall`, once for each shape of parameters.
 */
const SYMBOLS = {
  errnoLocation: { name: "__errno_location", parameters: [], result: "usize" },
  copyFrom: { name: "memcpy", parameters: ["buffer", "usize", "usize"], result: "usize" },
  addressOf: { name: "memcpy", parameters: ["buffer", "buffer", "usize"], result: "usize" },
  close: { parameters: ["i32"], result: "i32" },
  lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
  posix_fallocate: { parameters: ["i32", "i64", "i64"], result: "i32" },
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  symlinkat: { parameters: ["buffer", "i32", "buffer"], result: "i32" },
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  ppoll: { parameters: ["buffer", "u64", "buffer", "buffer"], result: "i32" },
  transfer: {
    name: "syscall",
    parameters: ["i64", "i32", "usize", "usize", "i64"],
    result: "i32",
  },
  ofNumbers: {
    name: "syscall",
    parameters: ["i64", "i64", "i64", "i64", "i64", "i64"],
    result: "i32",
  },
  ofBuffer: {
    name: "syscall",
    parameters: ["i64", "i64", "buffer", "u64", "u64"],
    result: "i32",
  },
  ofBuffers: {
    name: "syscall",
    parameters: ["i64", "i64", "buffer", "buffer", "u64"],
    result: "i32",
  },
  ofNames: {
    name: "syscall",
    parameters: ["i64", "i64", "buffer", "i64", "buffer", "u64"],
    result: "i32",
  },
  ofStat: {
    name: "syscall",
    parameters: ["i64", "i64", "buffer", "u64", "u64", "buffer"],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** The functions of libc that the host calls. */
export type Functions = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/** Linux's number for a process, or one thread of it, that has all the descriptors it may have. */
const LINUX_EMFILE = 24;

/** libc, open for calls, and the error number of the last call that failed. */
export class Library {
  /** Functions of libc. */
  readonly functions: Functions;
  /** Calls of the kernel, most of which have a function of the same name in libc. */
  readonly calls: SystemCalls;
  readonly #errno = new Int32Array(1);
  readonly #errnoBytes = new Uint8Array(this.#errno.buffer);
  readonly #errnoAddress: bigint;
  readonly #owned: OwnedDescriptors | undefined;

  private constructor(functions: Functions, owned: OwnedDescriptors | undefined) {
    this.functions = owned === undefined ? functions : owning(functions, owned);
    this.calls = new SystemCalls(this.functions);
    this.#owned = owned;
    this.#errnoAddress = functions.errnoLocation();
  }

  /**
   * Opens the libc of this machine that the process's permissions allow; throws if there is none. What is
   * opened with it is kept account of in `owned`.
   */
  static open(owned?: OwnedDescriptors): Library {
    const failures: string[] = [];
    for (const path of libcPaths()) {
      try {
        return new Library(Deno.dlopen(path, SYMBOLS).symbols, owned);
      } catch (error) {
        failures.push(`${path}: ${error instanceof Error ? error.message : error}`);
      }
    }
    throw new Error(
      `Cannot open libc: ${failures.join("; ")}. Allow one with --allow-ffi=PATH, or use the ` +
        "portable host",
    );
  }

  /** Where a view's bytes lie. Nothing keeps them there but the view: hold on to it. */
  addressOf(view: ArrayBufferView): bigint {
    const bytes = view as ArrayBufferView<ArrayBuffer>; // a shared one will do as well
    return this.functions.addressOf(bytes, bytes, 0n);
  }

  /** Linux's own number for why the last call failed. Read it before any other call. */
  linuxErrno(): number {
    if (this.#owned?.refused) {
      this.#owned.refused = false;
      return LINUX_EMFILE;
    }
    this.functions.copyFrom(this.#errnoBytes, this.#errnoAddress, 4n);
    return this.#errno[0]!;
  }

  /** Passes a result from 0 up; turns -1 into the negated WASI errno. */
  answer(result: number): number {
    return result >= 0 ? result : -fromLinux(this.linuxErrno());
  }
}
