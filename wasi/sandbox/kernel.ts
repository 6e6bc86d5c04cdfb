import type { OwnedDescriptors } from "../host/libc/owned.ts";
import { libcPaths } from "../host/libc/paths.ts";

/**
 * Two results are declared as structures, which are passed like the numbers in them: Deno compiles
 * no trampoline for those. That makes a call slower by 4 µs and the boot of a process faster by
 * 0.2 ms a symbol, and all of this is called a dozen times.
 */
const SYMBOLS = {
  syscall: {
    parameters: ["i64", "i64", "i64", "i64", "i64", "i64"],
    result: { struct: ["i64"] },
  },
  memcpy: { parameters: ["buffer", "usize", "usize"], result: { struct: ["usize"] } },
  __errno_location: { parameters: [], result: { struct: ["usize"] } },
} as const satisfies Deno.ForeignLibraryInterface;

/** Numbers of the calls that build a sandbox; the later ones are the same on all machines. */
export const CALL = {
  ...{
    x86_64: { close: 3, prctl: 157, gettid: 186, openat: 257, seccomp: 317 },
    aarch64: { close: 57, prctl: 167, gettid: 178, openat: 56, seccomp: 277 },
  }[Deno.build.arch],
  openat2: 437,
  landlockCreateRuleset: 444,
  landlockAddRule: 445,
  landlockRestrictSelf: 446,
} as const;

/** A flag of `landlock_create_ruleset`: nothing is opened, and the answer is a version. */
export const CREATE_RULESET_VERSION = 1;

/** Bytes for the parameters of one call; the longest is a path with its NUL. */
export const SCRATCH_BYTES = 8_192;

/**
 * System calls by their numbers, for what a process asks of the kernel about itself. Once it is open
 * it needs no permission any more.
 */
export class Kernel implements Disposable {
  /** What the calls' pointers point to. It lives as long as this object. */
  readonly scratch = new DataView(new ArrayBuffer(SCRATCH_BYTES));
  /** Where {@linkcode scratch} is. */
  readonly scratchAddress: bigint;
  readonly #library: Deno.DynamicLibrary<typeof SYMBOLS>;
  readonly #errno = new Int32Array(new ArrayBuffer(4));
  readonly #errnoAddress: bigint;
  readonly #owned: OwnedDescriptors | undefined;

  private constructor(
    library: Deno.DynamicLibrary<typeof SYMBOLS>,
    owned: OwnedDescriptors | undefined,
  ) {
    this.#library = library;
    this.#owned = owned;
    const { memcpy, __errno_location } = library.symbols;
    this.#errnoAddress = unsigned(__errno_location());
    // Copying nothing tells where the buffer is.
    this.scratchAddress = unsigned(memcpy(this.scratch, this.#errnoAddress, 0n));
  }

  /**
   * Opens the C library that the process's permissions allow; throws if there is none. What is opened with
   * it is kept account of in `owned`.
   */
  static open(owned?: OwnedDescriptors): Kernel {
    const failures: string[] = [];
    for (const path of libcPaths()) {
      try {
        return new Kernel(Deno.dlopen(path, SYMBOLS), owned);
      } catch (error) {
        failures.push(`${path}: ${error instanceof Error ? error.message : error}`);
      }
    }
    throw new Error(failures.join("; "));
  }

  /** Makes a call. A result from 0 up is the kernel's answer, one below is a negated error number. */
  call(number: number, ...parameters: readonly (number | bigint)[]): number {
    const [a = 0, b = 0, c = 0, d = 0, e = 0] = parameters;
    const { syscall, memcpy } = this.#library.symbols;
    if (number === CALL.close) this.#owned?.leave(Number(a));
    const answer = syscall(
      BigInt(number),
      BigInt(a),
      BigInt(b),
      BigInt(c),
      BigInt(d),
      BigInt(e),
    );
    const result = Number(new BigInt64Array(answer.buffer, answer.byteOffset, 1)[0]!);
    if (result >= 0) {
      if (this.#owned !== undefined && opens(number, c)) this.#owned.take(result);
      return result;
    }
    memcpy(this.#errno, this.#errnoAddress, 4n);
    return -this.#errno[0]!;
  }

  /** Writes text with its NUL at the start of {@linkcode scratch}; false if it is too long. */
  writeText(text: string): boolean {
    const into = new Uint8Array(this.scratch.buffer);
    const { read, written } = new TextEncoder().encodeInto(text, into);
    if (read < text.length || written >= into.length) return false;
    into[written] = 0;
    return true;
  }

  /** Lets go of the library. */
  [Symbol.dispose](): void {
    this.#library.close();
  }
}

/** True if what this call answers is a new descriptor. */
function opens(number: number, flags: number | bigint): boolean {
  if (number === CALL.landlockCreateRuleset) return flags !== CREATE_RULESET_VERSION;
  return number === CALL.openat || number === CALL.openat2;
}

function unsigned(result: Uint8Array): bigint {
  return new BigUint64Array(result.buffer, result.byteOffset, 1)[0]!;
}
