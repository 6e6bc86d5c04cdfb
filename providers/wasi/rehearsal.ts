import { collectGarbage, compileRead, prepare, readModule } from "../../wasi/mod.ts";
import { openContainerLog } from "./container_log.ts";
import type { Order } from "./protocol.ts";

/**
 * Writes a line end to its standard output, asks `poll_oneoff` for a clock that is due, and leaves:
 *
 * ```wat
 * (module
 *   (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
 *   (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
 *   (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
 *   (memory (export "memory") 1)
 *   (data (i32.const 0) "\10\00\00\00\01\00\00\00")
 *   (data (i32.const 16) "\0a")
 *   (data (i32.const 48) "\01")
 *   (func (export "_start")
 *     (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 24)))
 *     (drop (call $poll (i32.const 32) (i32.const 96) (i32.const 1) (i32.const 24)))
 *     (call $exit (i32.const 0))))
 * ```
 */
export const REHEARSAL_MODULE =
  "AGFzbQEAAAABEANgBH9/f38Bf2ABfwBgAAACawMWd2FzaV9zbmFwc2hvdF9wcmV2aWV3MQhmZF93cml0ZQAAFndhc2lf" +
  "c25hcHNob3RfcHJldmlldzELcG9sbF9vbmVvZmYAABZ3YXNpX3NuYXBzaG90X3ByZXZpZXcxCXByb2NfZXhpdAABAwIB" +
  "AgUDAQABBxMCBm1lbW9yeQIABl9zdGFydAADCh8BHQBBAUEAQQFBGBAAGkEgQeAAQQFBGBABGkEAEAILCxoDAEEACwgQ" +
  "AAAAAQAAAABBEAsBCgBBMAsBAQ==";

/**
 * Runs a guest of our own while nobody waits, in a thread that waits for its guest, and clears up
 * after it. The engine compiles each function when it is first called: with that done, the guest to
 * come starts in half the time.
 */
export async function rehearse(): Promise<void> {
  // It has no folder, no rights and no log file: each write there is tried, and dropped.
  const log = openContainerLog("", { note: () => {} });
  const order: Pick<Order, "args" | "env"> = { args: ["guest"], env: { NAME: "value" } };
  const { module } = compileRead(
    readModule(Uint8Array.fromBase64(REHEARSAL_MODULE), { memoryBytesMax: 1 << 16 }),
  );
  const guest = await prepare(module, { ...order, ...log, host: "libc" });
  try {
    const outcome = await guest.run();
    if (outcome.kind !== "exited" || outcome.code !== 0) {
      throw new Error(`Cannot run guests here: a rehearsal ended with ${JSON.stringify(outcome)}`);
    }
  } finally {
    guest.dispose();
    log.end();
  }
  collectGarbage();
}
