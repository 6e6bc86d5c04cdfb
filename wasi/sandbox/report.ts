/**
 * What holds a guest, in words: for the log, for the node, and for who demands it.
 *
 * @module
 */
import { type LandlockPart, landlockParts, restrictsAllThreads } from "./landlock_plan.ts";
import { SandboxError } from "./wishes.ts";

/** Which walls stand, or can stand on this machine. */
export interface SandboxReport {
  /** The kernel's list of folders and ports. `undefined` if there is none. */
  readonly landlock: LandlockReport | undefined;
  /** The kernel's filter of system calls: no programs, no other processes, no unwanted sockets. */
  readonly seccomp: boolean;
  /** Paths are resolved by the kernel, beneath the folder that they belong to. */
  readonly openat2: boolean;
  /** Deno's own permissions do not let the process read or write any file that it likes. */
  readonly permissions: boolean;
  /** A sentence for each wall that is missing: why, and what to do. */
  readonly missing: readonly string[];
}

/** How much of Landlock there is. */
export interface LandlockReport {
  /** Of the kernel, from 1 up. */
  readonly abi: number;
  /** What it keeps guests from. */
  readonly covered: readonly LandlockPart[];
  /** False: the guest's thread and those that it starts, but not the runtime's own. */
  readonly allThreads: boolean;
}

/** What can be demanded. `landlock` means the filter of system calls as well. */
export type SandboxLevel = "landlock" | "permissions";

/** What a kernel of this ABI gives. */
export function landlockReport(abi: number): LandlockReport {
  return { abi, covered: landlockParts(abi).covered, allThreads: restrictsAllThreads(abi) };
}

/** One line, as `landlock (ABI 7: files, truncation, tcp, devices, signals), seccomp, openat2`. */
export function describeSandbox(report: SandboxReport): string {
  const { landlock, seccomp, openat2, permissions } = report;
  const walls: string[] = [];
  if (landlock !== undefined) {
    walls.push(`landlock (ABI ${landlock.abi}: ${landlock.covered.join(", ")})`);
  }
  if (seccomp) walls.push("seccomp");
  if (openat2) walls.push("openat2");
  if (permissions) walls.push("deno permissions");
  return walls.join(", ") || "none";
}

/**
 * Passes if the report has this level or more.
 *
 * @throws {SandboxError} which says what is missing, why, and what to do.
 */
export function requireSandbox(level: SandboxLevel, report: SandboxReport): void {
  const kernels = report.landlock !== undefined && report.seccomp;
  if (kernels || (level === "permissions" && report.permissions)) return;
  const why = report.missing.length === 0
    ? "Deno's permissions are not limited"
    : report.missing.join("; ");
  throw new SandboxError(
    `Cannot give the sandbox that is required, "${level}": ${why}. There is: ` +
      describeSandbox(report),
  );
}
