import { KubeletError } from "../../lib/mod.ts";
import {
  describeSandbox,
  openSandbox,
  requireSandbox,
  SandboxError,
  type SandboxLevel,
  type SandboxReport,
} from "../../wasi/mod.ts";

/** What the portable host has: each guest runs in a Worker with the permissions of its container. */
const PORTABLE: SandboxReport = {
  landlock: undefined,
  seccomp: false,
  openat2: false,
  permissions: true,
  missing: ["guests run on the portable host here, which has no use for the kernel's walls"],
};

/**
 * What will hold guests on this machine, in words.
 *
 * @throws {KubeletError} of kind `invalid` if that is less than the level that is demanded.
 */
export function nodeSandbox({ libc, level }: {
  /** Path of the C library; absent where the portable host is used. */
  readonly libc: string | undefined;
  readonly level: SandboxLevel | undefined;
}): string {
  const report = libc === undefined ? PORTABLE : supportHere();
  try {
    if (level !== undefined) requireSandbox(level, report);
  } catch (error) {
    if (!(error instanceof SandboxError)) throw error;
    throw new KubeletError("invalid", error.message, { cause: error });
  }
  return describeSandbox(report);
}

function supportHere(): SandboxReport {
  using sandbox = openSandbox();
  return sandbox.support;
}
