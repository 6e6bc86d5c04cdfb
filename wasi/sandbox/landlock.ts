/**
 * Landlock: the kernel's own list of folders and ports that a thread may use, which it can make
 * shorter and never longer again (`man 7 landlock`).
 *
 * @module
 */
import { AT_FDCWD, MACHINES, O_CLOEXEC, O_PATH } from "../host/libc/constants.ts";
import { ELOOP, openExactFolder } from "./exact_folder.ts";
import { CALL, CREATE_RULESET_VERSION, type Kernel } from "./kernel.ts";
import { ACCESS, type LandlockPlan, planLandlock } from "./landlock_plan.ts";
import { SandboxError } from "./wishes.ts";

const { O_DIRECTORY } = MACHINES[Deno.build.arch];

const RULE_PATH_BENEATH = 1;
const RULE_NET_PORT = 2;
const RESTRICT_SELF_TSYNC = 1 << 3;
/** `sizeof(struct landlock_ruleset_attr)` of ABI 6; older kernels take it if what they miss is 0. */
const RULESET_BYTES = 24;

const ENOENT = 2;
const E2BIG = 7;
const EACCES = 13;
const ENOTDIR = 20;

/** The ABI of this kernel's Landlock; negated, the error number that says why there is none. */
export function landlockAbi(kernel: Kernel): number {
  return kernel.call(CALL.landlockCreateRuleset, 0, 0, CREATE_RULESET_VERSION);
}

/**
 * Restricts this thread and those that it starts from now on, or all threads of the process. The
 * thread must have `no_new_privs`. There is no way back; if this throws, nothing has changed.
 *
 * @throws {SandboxError} if a path is missing or the kernel refuses.
 */
export function enforceLandlock(
  kernel: Kernel,
  plan: LandlockPlan,
  { allThreads, pinned }: { readonly allThreads: boolean; readonly pinned?: number | undefined },
): void {
  const ruleset = writeRuleset(kernel, plan);
  try {
    if (pinned !== undefined) {
      addFd(kernel, ruleset, { fd: pinned, access: ACCESS.readFile, what: "a pinned file" });
    }
    const flags = allThreads ? RESTRICT_SELF_TSYNC : 0;
    const answer = kernel.call(CALL.landlockRestrictSelf, ruleset, flags);
    if (answer === -E2BIG) {
      throw new SandboxError("Cannot enter the sandbox: Landlock has no room for another layer");
    }
    if (answer < 0) throw refused("landlock_restrict_self", answer);
  } finally {
    kernel.call(CALL.close, ruleset);
  }
}

/**
 * Writes a ruleset and throws it away. The first call of each function compiles it, which is better
 * done while nobody waits.
 */
export function rehearseLandlock(kernel: Kernel, abi: number): void {
  const plan = planLandlock({ readOnly: ["/"], readWrite: ["/"] }, abi);
  kernel.call(CALL.close, writeRuleset(kernel, plan));
}

/**
 * Opens a file for a rule and keeps it: a rule is about the file as it lies in the kernel's memory,
 * and the kernel makes files of `/proc` anew when it has forgotten them. Negative if there is none.
 */
export function pin(kernel: Kernel, path: string): number {
  return kernel.writeText(path) ? open(kernel, 0) : -ENOENT;
}

/** A descriptor of a ruleset with all its rules. */
function writeRuleset(kernel: Kernel, plan: LandlockPlan): number {
  const ruleset = createRuleset(kernel, plan);
  try {
    for (const rule of plan.paths) addPath(kernel, ruleset, rule);
    for (const rule of plan.ports) addPort(kernel, ruleset, rule);
    return ruleset;
  } catch (error) {
    kernel.call(CALL.close, ruleset);
    throw error;
  }
}

function createRuleset(kernel: Kernel, { handled }: LandlockPlan): number {
  const { scratch, scratchAddress } = kernel;
  scratch.setBigUint64(0, handled.files, true);
  scratch.setBigUint64(8, handled.net, true);
  scratch.setBigUint64(16, handled.scopes, true);
  const ruleset = kernel.call(CALL.landlockCreateRuleset, scratchAddress, RULESET_BYTES, 0);
  if (ruleset < 0) throw refused("landlock_create_ruleset", ruleset);
  return ruleset;
}

function addPath(
  kernel: Kernel,
  ruleset: number,
  { path, kind, access, exact }: LandlockPlan["paths"][number],
): void {
  const fd = exact ? openExactly(kernel, path) : openPath(kernel, path, kind);
  try {
    addFd(kernel, ruleset, { fd, access, what: `${kind} "${path}"` });
  } finally {
    kernel.call(CALL.close, fd);
  }
}

function addFd(
  kernel: Kernel,
  ruleset: number,
  { fd, access, what }: { fd: number; access: bigint; what: string },
): void {
  const { scratch, scratchAddress } = kernel;
  scratch.setBigUint64(0, access, true);
  scratch.setInt32(8, fd, true);
  const answer = kernel.call(CALL.landlockAddRule, ruleset, RULE_PATH_BENEATH, scratchAddress, 0);
  if (answer < 0) throw refused(`landlock_add_rule of ${what}`, answer);
}

function openPath(kernel: Kernel, path: string, kind: "folder" | "file"): number {
  const allow = `Cannot allow ${kind} "${path}" in the sandbox`;
  if (!kernel.writeText(path)) throw new SandboxError(`${allow}: its path is too long`);
  const folder = open(kernel, O_DIRECTORY);
  if (folder >= 0 && kind === "file") {
    kernel.call(CALL.close, folder);
    throw new SandboxError(`${allow}: it is a folder`); // a rule would open all that is in it
  }
  const fd = folder === -ENOTDIR && kind === "file" ? open(kernel, 0) : folder;
  if (fd < 0) throw new SandboxError(`${allow}: ${explain(-fd)}`);
  return fd;
}

function openExactly(kernel: Kernel, path: string): number {
  const fd = openExactFolder(kernel, path);
  if (fd < 0) {
    throw new SandboxError(`Cannot allow folder "${path}" in the sandbox: ${explain(-fd)}`);
  }
  return fd;
}

function explain(errno: number): string {
  const why: Readonly<Record<number, string>> = {
    [ENOENT]: "it does not exist",
    [EACCES]: "a folder above it may not be entered",
    [ENOTDIR]: "it is no folder",
    [ELOOP]: "a link is in this path, which must have none",
  };
  return why[errno] ?? `the kernel refused it (errno ${errno})`;
}

/** Opens the path in the scratch bytes, for nothing but to point at it. */
function open(kernel: Kernel, flags: number): number {
  const path = kernel.scratchAddress;
  return kernel.call(CALL.openat, AT_FDCWD, path, flags | O_PATH | O_CLOEXEC, 0);
}

function addPort(
  kernel: Kernel,
  ruleset: number,
  { port, access }: LandlockPlan["ports"][number],
): void {
  const { scratch, scratchAddress } = kernel;
  scratch.setBigUint64(0, access, true);
  scratch.setBigUint64(8, BigInt(port), true);
  const answer = kernel.call(CALL.landlockAddRule, ruleset, RULE_NET_PORT, scratchAddress, 0);
  if (answer < 0) throw refused(`landlock_add_rule of TCP port ${port}`, answer);
}

function refused(what: string, answer: number): SandboxError {
  return new SandboxError(
    `Cannot enter the sandbox: the kernel refused ${what} (errno ${-answer})`,
  );
}
