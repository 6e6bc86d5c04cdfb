/**
 * A WASI preview 1 host for Deno: runs a WebAssembly program with the files, arguments and streams
 * that it is given, and nothing else.
 *
 * ```ts
 * import { compile, prepare } from "./mod.ts";
 *
 * // (module (memory (export "memory") 1) (func (export "_start")))
 * const module = compile(
 *   Uint8Array.fromBase64("AGFzbQEAAAABBAFgAAADAgEABQMBAAEHEwIGbWVtb3J5AgAGX3N0YXJ0AAAKBAECAAs="),
 * );
 * const guest = await prepare(module, { args: ["hello"], stdout: "inherit", host: "portable" });
 * try {
 *   console.log(await guest.run()); // { kind: "exited", code: 0 }
 * } finally {
 *   guest.dispose();
 * }
 * ```
 *
 * The guest runs on the thread that calls `run`, and blocks it; one with threads runs in Workers and
 * leaves that thread free. To be able to end a guest, give it a process of its own.
 *
 * @module
 */
export {
  compile,
  type Compiled,
  CompileError,
  compileGuest,
  compileRead,
  type ReadModule,
  readModule,
} from "./compile.ts";
export { collectGarbage } from "./start/collect_garbage.ts";
export { MemoryLimitError } from "./module/errors.ts";
export type { ImportedMemory } from "./module/memories.ts";
export type { CompileOptions } from "./module/rewrite.ts";
export { prepare } from "./guest/guest.ts";
export type { CallOutcome, Guest } from "./guest/run.ts";
export type { Host, HostKind, Times, TimeSetting } from "./host/host.ts";
export { libcPaths } from "./host/libc/paths.ts";
export { openHost, type OpenHostOptions } from "./host/open.ts";
export { type DescriptorShare, OwnedDescriptors, type SharedOwned } from "./host/libc/owned.ts";
export type { Protocol } from "./host/socket.ts";
export { LinkError, NAMESPACES } from "./guest/link.ts";
export { MODULE_BYTES_MAX } from "./module/limits.ts";
export { type Needs, needsOf, preload } from "./guest/parts.ts";
export type {
  AddressDecision,
  AddressRefusal,
  AddressRequest,
  AllowAddress,
  Lookup,
  NetworkAddress,
  Refused,
  Soon,
} from "./network/decision.ts";
export type { NetworkNews } from "./network/news.ts";
export { canonicalIp } from "./network/ip.ts";
export { type AddressRule, allowByRules } from "./network/rules.ts";
export {
  type Input,
  type Listener,
  OptionsError,
  type Output,
  type Preopen,
  type WasiOptions,
} from "./options.ts";
export type { Outcome } from "./guest/outcome.ts";
export {
  describeSandbox,
  type LandlockReport,
  requireSandbox,
  type SandboxLevel,
  type SandboxReport,
} from "./sandbox/report.ts";
export type { LandlockPart } from "./sandbox/landlock_plan.ts";
export { openSandbox, type OpenSandboxOptions, type Sandbox } from "./sandbox/sandbox.ts";
export { type GuestProcess, guestV8Flags } from "./start/v8_flags.ts";
export { type NetworkWishes, SandboxError, type SandboxWishes } from "./sandbox/wishes.ts";
export { openView } from "./view/open_view.ts";
export type { View, ViewOpen, ViewOptions } from "./view/view.ts";
export { ViewError } from "./view/view_error.ts";
export type { ViewFile } from "./view/view_file.ts";
export type { ViewEntry, ViewKind, ViewStat } from "./view/view_stat.ts";
