import type { Code } from "./bpf.ts";
import { AT_FDCWD, O_CLOEXEC, O_PATH } from "../host/libc/constants.ts";
import type { OwnedDescriptors } from "../host/libc/owned.ts";
import { CALL, Kernel } from "./kernel.ts";
import { enforceLandlock, landlockAbi, pin, rehearseLandlock } from "./landlock.ts";
import { planLandlock } from "./landlock_plan.ts";
import { landlockReport, type SandboxReport } from "./report.ts";
import { hasSeccomp, installFilter } from "./seccomp.ts";
import { buildProcessFilter, buildSocketFilter } from "./seccomp_filter.ts";
import { SandboxError, type SandboxWishes } from "./wishes.ts";

/** The kernel's walls, ready to be put up. */
export interface Sandbox extends Disposable {
  /** What this machine can give. */
  readonly support: SandboxReport;
  /**
   * Puts up what is the same for every guest, for ever: the filter of system calls. For a process
   * that waits for its guest, so that the guest need not wait.
   *
   * @throws {SandboxError} as {@linkcode enter} does.
   */
  prepare(): void;
  /**
   * Puts up all the walls that the machine has around the guest's thread, for ever, and tells which
   * stand. Landlock holds this thread and those that it starts from now on; the filter of system
   * calls, and Landlock from ABI 8 on, hold all threads of the process.
   *
   * What is open stays open: open the module, the log and the guest's folders before or after.
   *
   * @throws {SandboxError} if a path of the wishes is missing or the kernel refuses a wall that it
   * has. Then no guest may be started.
   */
  enter(wishes: SandboxWishes): SandboxReport;
}

/** How {@linkcode openSandbox} builds. */
export interface OpenSandboxOptions {
  /**
   * Whether the walls stand around all threads of the process, as far as the kernel can do that, or
   * around this thread and those that it starts. The second is for a process with several guests.
   *
   * @default {"process"}
   */
  readonly around?: "process" | "thread";
  /** Keeps account of what it opens. @default {nobody does} */
  readonly owned?: OwnedDescriptors;
}

const PR_SET_NO_NEW_PRIVS = 38;
const OPEN_HOW_BYTES = 24;
/**
 * Where libc reads how large the main thread's stack is. Deno 2.9 asks it when it has to translate
 * the positions of a stack trace, and panics if it is refused. Other threads need no such file.
 */
const STACK_MAP = "/proc/self/maps";

/**
 * Looks at what the kernel has. Needs `--allow-ffi=` one of `libcPaths()`; once it is open it needs
 * no permission. Never throws: what is missing is in the report.
 */
export function openSandbox({ around = "process", owned }: OpenSandboxOptions = {}): Sandbox {
  let kernel: Kernel | undefined;
  const missing: string[] = [];
  if (Deno.build.os !== "linux") {
    missing.push(`Landlock is a part of Linux, and this is ${Deno.build.os}`);
  } else {
    try {
      kernel = Kernel.open(owned);
    } catch (error) {
      missing.push(
        `the C library cannot be opened to ask for Landlock (${
          error instanceof Error ? error.message : error
        }); allow it with --allow-ffi=PATH`,
      );
    }
  }
  return new OpenSandbox(kernel, { around, missing });
}

/** What is put on top of the filter of every guest. */
interface Filters {
  readonly none: Code;
  readonly tcp: Code;
}

class OpenSandbox implements Sandbox {
  readonly support: SandboxReport;
  readonly #kernel: Kernel | undefined;
  readonly #process: boolean;
  #filters: Filters | undefined;
  #stackMap: number | undefined;

  constructor(
    kernel: Kernel | undefined,
    { around, missing }: { around: "process" | "thread"; missing: string[] },
  ) {
    this.#kernel = kernel;
    this.#process = around === "process";
    const abi = kernel === undefined ? 0 : landlockAbi(kernel);
    const seccomp = kernel !== undefined && hasSeccomp(kernel);
    if (abi < 0) missing.push(explainNoLandlock(-abi));
    if (kernel !== undefined && !seccomp) {
      missing.push("the kernel takes no seccomp filters (CONFIG_SECCOMP_FILTER)");
    }
    const landlock = abi > 0 ? landlockReport(abi) : undefined;
    this.support = {
      landlock: landlock && { ...landlock, allThreads: landlock.allThreads && this.#process },
      seccomp,
      openat2: kernel !== undefined && hasOpenat2(kernel),
      permissions: true, // a process or Worker can always be started with less
      missing,
    };
  }

  prepare(): void {
    const kernel = this.#kernel;
    const { landlock, seccomp } = this.support;
    if (this.#filters !== undefined || kernel === undefined) return;
    const { arch } = Deno.build;
    this.#filters = {
      none: buildSocketFilter({ arch, sockets: "none" }),
      tcp: buildSocketFilter({ arch, sockets: "tcp" }),
    };
    if (landlock !== undefined || seccomp) forgoPrivileges(kernel);
    const map = isMainThread(kernel) ? pin(kernel, STACK_MAP) : -1;
    if (map >= 0) this.#stackMap = map;
    if (landlock !== undefined) rehearseLandlock(kernel, landlock.abi);
    isLimited(); // as well: the first answer takes the longest
    if (seccomp) this.#install(kernel, buildProcessFilter({ arch, pid: Deno.pid }));
  }

  enter(wishes: SandboxWishes): SandboxReport {
    this.prepare();
    const kernel = this.#kernel;
    const { landlock, seccomp } = this.support;
    if (kernel !== undefined && landlock !== undefined) {
      enforceLandlock(kernel, planLandlock(wishes, landlock.abi), {
        allThreads: landlock.allThreads,
        pinned: this.#stackMap,
      });
    }
    if (kernel !== undefined && seccomp && !wishes.network?.udp) {
      this.#install(kernel, this.#filters![wishes.network === undefined ? "none" : "tcp"]);
    }
    return { ...this.support, permissions: isLimited() };
  }

  #install(kernel: Kernel, filter: Code): void {
    installFilter(kernel, filter, { allThreads: this.#process });
  }

  [Symbol.dispose](): void {
    this.#kernel?.[Symbol.dispose]();
  }
}

/** No program that this thread starts gains rights by it; the kernel's walls demand it. */
function forgoPrivileges(kernel: Kernel): void {
  const answer = kernel.call(CALL.prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (answer === 0) return;
  throw new SandboxError(
    `Cannot enter the sandbox: the kernel refused PR_SET_NO_NEW_PRIVS (errno ${-answer})`,
  );
}

function isMainThread(kernel: Kernel): boolean {
  return kernel.call(CALL.gettid) === Deno.pid;
}

/** A sandbox around this process may forbid the call on a kernel that has it. */
function hasOpenat2(kernel: Kernel): boolean {
  kernel.writeText("/");
  const { scratch, scratchAddress } = kernel;
  scratch.setBigUint64(8, BigInt(O_PATH | O_CLOEXEC), true);
  scratch.setBigUint64(16, 0n, true);
  scratch.setBigUint64(24, 0n, true);
  const how = scratchAddress + 8n;
  const fd = kernel.call(CALL.openat2, AT_FDCWD, scratchAddress, how, OPEN_HOW_BYTES);
  if (fd < 0) return false;
  kernel.call(CALL.close, fd);
  return true;
}

function explainNoLandlock(errno: number): string {
  const known: Readonly<Record<number, string>> = {
    1: "a filter around this process forbids Landlock; allow its system calls 444 to 446",
    38: "this kernel has no Landlock; it came with Linux 5.13, and is built in by " +
      "CONFIG_SECURITY_LANDLOCK",
    95: "Landlock is switched off; add landlock to the kernel's parameter lsm=",
  };
  return known[errno] ?? `the kernel refused Landlock (errno ${errno})`;
}

/** Whether Deno still stands between the process and any file. */
function isLimited(): boolean {
  return (["read", "write", "run", "ffi"] as const).every((name) =>
    Deno.permissions.querySync({ name }).state !== "granted"
  );
}
