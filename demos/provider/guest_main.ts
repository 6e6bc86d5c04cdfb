/**
 * What runs in a guest's process: compiles the module it is told of, and runs it.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import process from "node:process";
import { WASI } from "node:wasi";
import type { GuestJob, GuestWord } from "./guest_process.ts";

// The warning that node:wasi is experimental is no word of the guest.
process.removeAllListeners("warning");
process.on("warning", () => {});

/** Settles when the parent has it: a guest that spins lets nothing be sent any more. */
function say(word: GuestWord): Promise<void> {
  return new Promise((resolve) => process.send!(word, undefined, undefined, () => resolve()));
}

// #region child
process.once("message", async (heard) => {
  const { module: path, argv, env, preopens } = heard as GuestJob;
  let wasi: WASI;
  let instance: WebAssembly.Instance;
  try {
    const module = await WebAssembly.compile(readFileSync(path));
    wasi = new WASI({ version: "preview1", args: [...argv], env, preopens, returnOnExit: true });
    const imports = wasi.getImportObject() as WebAssembly.Imports;
    instance = await WebAssembly.instantiate(module, imports);
  } catch (error) {
    await say({ kind: "start_error", message: String(error) });
    return process.exit();
  }
  await say({ kind: "started" });
  try {
    await say({ kind: "exited", code: wasi.start(instance) });
  } catch (error) {
    const message = error instanceof Error ? error.stack ?? error.message : String(error);
    await say({ kind: "trapped", message });
  }
  process.exit();
});
// #endregion child
