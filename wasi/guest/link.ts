import { SOCKET_CALL_NAMES } from "../abi.ts";

/** A module that cannot run here. The message lists everything that is missing, at once. */
export class LinkError extends Error {
  /** Stays the same in a minified program. */
  override readonly name = "LinkError";
}

/** The two names under which a guest imports the host. */
export const NAMESPACES = ["wasi_snapshot_preview1", "wasi_unstable"] as const;

/** How a module begins: a program, or a library that is only initialised. */
export type Entry = "_start" | "_initialize";

/** What {@linkcode checkModule} must know beside the module. */
export interface CheckOptions {
  /** It is only called into. */
  readonly library?: boolean;
  /** The memory that it shares with its threads, if it has any. */
  readonly sharedMemory?: { readonly module: string; readonly name: string } | undefined;
}

/** How a module asks for a thread (wasi-threads proposal), and what it runs then. */
const THREAD_SPAWN = { module: "wasi", name: "thread-spawn" };
const THREAD_START = "wasi_thread_start";

/**
 * Checks that a module can be linked to the named calls, and answers how it begins.
 *
 * Throws {@linkcode LinkError} for unknown imports and, unless it is only to be called into, for a
 * module without memory and for one that has neither `_start` nor `_initialize`.
 */
export function checkModule(
  module: WebAssembly.Module,
  calls: ReadonlySet<string>,
  options: CheckOptions = {},
): Entry | undefined {
  const imports = WebAssembly.Module.imports(module);
  const { sharedMemory } = options;
  const unknown = imports.filter((wanted) =>
    !isKnown(wanted, calls) &&
    !(sharedMemory !== undefined && isThreading(wanted, sharedMemory))
  );
  const problems: string[] = [];
  if (unknown.length > 0) {
    const names = unknown.map(({ module, name, kind }) =>
      `"${module}.${name}"${kind === "function" ? "" : ` (a ${kind})`}`
    );
    problems.push(`unknown imports ${names.join(", ")}`);
  }
  const exports = WebAssembly.Module.exports(module);
  const has = (name: string, kind: string): boolean =>
    exports.some((found) => found.name === name && found.kind === kind);
  const entry = (["_start", "_initialize"] as const).find((name) => has(name, "function"));
  const spawns = imports.some(({ module }) => module === THREAD_SPAWN.module);
  if (spawns && unknown.length === 0 && !has(THREAD_START, "function")) {
    problems.push(`it does not export ${THREAD_START}, so it can start no thread`);
  }
  if (!options.library || sharedMemory !== undefined) {
    if (sharedMemory === undefined && !has("memory", "memory")) {
      problems.push('it does not export its memory as "memory"');
    }
    if (entry === undefined) problems.push("it does not export _start, so it is no program");
  }
  if (problems.length === 0) return entry;
  const noProgram = entry === undefined && !options.library;
  const hint = hintFor(unknown) ?? (noProgram ? HINT_NO_START : undefined);
  const message = `Cannot link module: ${problems.join("; ")}`;
  throw new LinkError(hint === undefined ? message : `${message}. ${hint}`);
}

const HINT_NO_START =
  "This looks like a library: build a program with a main function (Rust: a bin target; clang: " +
  "without -mexec-model=reactor; AssemblyScript: --exportStart _start)";

/** What kind of module asks for such things. The first that fits is said. */
const HINTS: readonly { readonly sign: RegExp; readonly hint: string }[] = [
  {
    sign: /^wasi:[^/]+\/|^cm32p2/,
    hint: "This is the inside of a component (WASI 0.2): build for wasm32-wasip1 instead",
  },
  {
    sign: /^wasi_snapshot_preview1\.sock_|^wasi_ephemeral_sock/,
    hint: "It wants the sockets of another extension: this host has those of WasmEdge",
  },
  {
    sign: /^wasi\.thread-spawn$|^env\.memory$/,
    hint:
      "A guest with threads imports one shared memory (wasm32-wasip1-threads does it so), and is " +
      "compiled by the thread that prepares it; no other guest imports its memory",
  },
  { sign: /^wasi_ephemeral_nn/, hint: "It wants wasi-nn, which this host does not have" },
  { sign: /^(go|gojs)\./, hint: "It is built for a browser: build it with GOOS=wasip1" },
  {
    sign: /^(wbg|__wbindgen_|\.\/.*_bg\.js)/,
    hint: "It is built by wasm-bindgen for JavaScript: build it for wasm32-wasip1",
  },
  {
    sign: /^env\.(emscripten_|_emscripten|__syscall|invoke_|abort_js|_abort_js)/,
    hint: "It is built by Emscripten for JavaScript: build it with -sSTANDALONE_WASM or a WASI SDK",
  },
  {
    sign: /^env\.(abort|seed|trace|console\.log)$/,
    hint: "It is built by AssemblyScript for JavaScript: build it with @assemblyscript/wasi-shim",
  },
];

function hintFor(unknown: readonly WebAssembly.ModuleImportDescriptor[]): string | undefined {
  const names = unknown.map(({ module, name }) => `${module}.${name}`);
  return HINTS.find(({ sign }) => names.some((name) => sign.test(name)))?.hint;
}

function isKnown(
  { module, name, kind }: WebAssembly.ModuleImportDescriptor,
  calls: ReadonlySet<string>,
): boolean {
  if (kind !== "function" || !NAMESPACES.some((known) => known === module)) return false;
  if (module === "wasi_unstable") return calls.has(name) && name !== "sock_accept";
  return calls.has(name) || SOCKET_CALL_NAMES.has(name);
}

/** True for what only a guest with threads imports. */
function isThreading(
  { module, name, kind }: WebAssembly.ModuleImportDescriptor,
  memory: { readonly module: string; readonly name: string },
): boolean {
  if (kind === "memory") return module === memory.module && name === memory.name;
  return kind === "function" && module === THREAD_SPAWN.module && name === THREAD_SPAWN.name;
}
