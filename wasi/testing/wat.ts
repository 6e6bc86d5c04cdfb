import wabt from "wabt";
import { compile } from "../compile.ts";
import type { CompileOptions } from "../module/rewrite.ts";

const tools = await wabt();

/** Compiles a module from its text, with the names of its functions. */
export function wat(text: string, options: CompileOptions = {}): WebAssembly.Module {
  const module = tools.parseWat("test.wat", text, { exceptions: true, threads: true });
  try {
    return compile(module.toBinary({ write_debug_names: true }).buffer, options);
  } finally {
    module.destroy();
  }
}
