import type { ModuleTerms } from "../../lib/mod.ts";
import { MODULE_BYTES_MAX, NAMESPACES } from "../../wasi/mod.ts";

/** Which modules this backend runs, on every machine. */
export const MODULE_TERMS: ModuleTerms = {
  bytesMax: MODULE_BYTES_MAX,
  // Those of wasi-threads are names of their own; WasmEdge's sockets are among preview 1.
  imports: [...NAMESPACES, "wasi.thread-spawn", "env.memory"],
  components: false,
};
