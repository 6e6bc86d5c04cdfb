/**
 * Seccomp: a filter that the kernel runs before each system call, and that nobody can take off.
 *
 * @module
 */
import { type Code, INSTRUCTION_BYTES } from "./bpf.ts";
import { CALL, type Kernel, SCRATCH_BYTES } from "./kernel.ts";
import { SandboxError } from "./wishes.ts";

const SET_MODE_FILTER = 1;
const GET_ACTION_AVAIL = 2;
const RET_ERRNO = 0x0005_0000;
const FLAG_TSYNC = 1;
/** Without it kernels before 5.16 also switch off a speculation that all memory access gains by. */
const FLAG_SPEC_ALLOW = 4;

/** `struct sock_fprog`: the number of instructions, and where they are. */
const PROGRAM_BYTES = 16;

/** True if this kernel takes filters. */
export function hasSeccomp(kernel: Kernel): boolean {
  kernel.scratch.setUint32(0, RET_ERRNO, true);
  return kernel.call(CALL.seccomp, GET_ACTION_AVAIL, 0, kernel.scratchAddress) === 0;
}

/**
 * Puts the filter around this thread and those that it starts from now on, or around all threads of
 * the process. The thread must have `no_new_privs`.
 *
 * @throws {SandboxError} if the kernel refuses, or a thread has a filter of its own.
 */
export function installFilter(
  kernel: Kernel,
  filter: Code,
  { allThreads }: { readonly allThreads: boolean },
): void {
  const { scratch, scratchAddress } = kernel;
  if (PROGRAM_BYTES + filter.length * INSTRUCTION_BYTES > SCRATCH_BYTES) {
    throw new RangeError(`A filter of ${filter.length} instructions does not fit`);
  }
  scratch.setBigUint64(0, BigInt(filter.length), true);
  scratch.setBigUint64(8, scratchAddress + BigInt(PROGRAM_BYTES), true);
  for (const [index, { code, jt, jf, k }] of filter.entries()) {
    const at = PROGRAM_BYTES + index * INSTRUCTION_BYTES;
    scratch.setUint16(at, code, true);
    scratch.setUint8(at + 2, jt);
    scratch.setUint8(at + 3, jf);
    scratch.setUint32(at + 4, k, true);
  }
  const flags = FLAG_SPEC_ALLOW | (allThreads ? FLAG_TSYNC : 0);
  const answer = kernel.call(CALL.seccomp, SET_MODE_FILTER, flags, scratchAddress);
  if (answer === 0) return;
  throw new SandboxError(
    `Cannot enter the sandbox: ${
      answer > 0
        ? `thread ${answer} has a seccomp filter of its own`
        : `the kernel refused the seccomp filter (errno ${-answer})`
    }`,
  );
}
