/**
 * The WASI provider: every container runs as a WebAssembly guest in an operating-system process of
 * its own, taken from a small pool of warm ones; or, if its RuntimeClass says `krustlet-worker`, in a
 * Worker of a process that it shares with containers of the same module and namespace.
 *
 * The agent never runs guest code. In a process of its own, SIGKILL really ends a guest, and a guest
 * that crashes or exhausts its memory harms nobody else. In a shared one, a guest has ended when its
 * thread is gone; if it brings the process down, its neighbours have crashed. When the agent dies, its guests die too:
 * on Linux the kernel sees to it; elsewhere idle processes notice, and those whose guest has a network. Any other guest
 * that runs goes on until it ends by itself.
 *
 * A guest's last line that has no newline yet is held in its process, at most 16 KiB: it is in the log
 * once the guest ends by itself, and lost when the guest is killed.
 *
 * @module
 */
export { binaryV8Flags, GUEST_ARGUMENT } from "./launch.ts";
export { MODULE_TERMS } from "./module_terms.ts";
export type { LogLimits } from "./protocol.ts";
export { type GuestBinary, WasiProvider, type WasiProviderOptions } from "./wasi_provider.ts";
export type { DeskKind } from "./network/desk.ts";
