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
 * const guest = prepare(module, { args: ["hello"], stdout: "inherit", host: "portable" });
 * try {
 *   console.log(await guest.run()); // { kind: "exited", code: 0 }
 * } finally {
 *   guest.dispose();
 * }
 * ```
 *
 * The guest runs on the thread that calls `run`, and blocks it. To be able to end a guest, give it
 * a process of its own.
 *
 * @module
 */
export { compile, CompileError } from "./compile.ts";
export { type Guest, prepare } from "./guest.ts";
export type { Host, HostKind } from "./host/host.ts";
export { libcPaths } from "./host/libc/library.ts";
export { openHost, type OpenHostOptions } from "./host/open.ts";
export { LinkError } from "./link.ts";
export { OptionsError, type Output, type Preopen, type WasiOptions } from "./options.ts";
export type { Outcome } from "./outcome.ts";
