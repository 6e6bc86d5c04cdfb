import { type HostKind, openView, type View, ViewError } from "../../wasi/mod.ts";
import { type BuiltinName, builtinName } from "./builtins/names.ts";
import { MODULE_TERMS } from "./module_terms.ts";
import type { Order } from "./protocol.ts";

/** What argv[0] of an order names. */
export type NamedProgram =
  /** A module in the guest's view. */
  | { readonly is: "module"; readonly path: string; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly is: "builtin"; readonly name: BuiltinName }
  /** The order's module for all other names. */
  | { readonly is: "otherwise" }
  /** Nothing that could run. */
  | { readonly is: "none"; readonly code: 126 | 127; readonly message: string };

/** Where programs are looked for if there is no `PATH`: what container runtimes use. */
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** How every module begins. */
const MAGIC = "\0asm";

/**
 * Looks for what argv[0] names: a module in the view, as a shell finds it, links followed; a builtin; the
 * order's module for all other names. Rejects if the view cannot be opened, or a module not be read.
 */
export async function findNamed(order: Order, host: HostKind): Promise<NamedProgram> {
  const [name = ""] = order.args;
  using view = await openView({ preopens: order.preopens, host });
  let other: string | undefined;
  for (const path of candidates(name, order)) {
    const bytes = readModule(view, path);
    if (bytes === "other") other ??= path;
    else if (bytes !== undefined) return { is: "module", path, bytes };
  }
  const builtin = builtinName(name);
  if (builtin !== undefined) return { is: "builtin", name: builtin };
  if (order.otherwisePath !== undefined) return { is: "otherwise" };
  if (other !== undefined) {
    const message = `exec: "${other}": exec format error: it is no WebAssembly module`;
    return { is: "none", code: 126, message };
  }
  const where = name.includes("/")
    ? "no such file or directory"
    : "executable file not found in $PATH";
  return { is: "none", code: 127, message: `exec: "${name}": ${where}` };
}

/** Paths in the view where a program of this name may be, best first. */
function candidates(name: string, { env, workingDir = "/" }: Order): string[] {
  if (name === "") return [];
  if (name.startsWith("/")) return [name];
  if (name.includes("/")) return [`${workingDir}/${name}`];
  return (env["PATH"] ?? DEFAULT_PATH).split(":").map((folder) =>
    folder.startsWith("/") ? `${folder}/${name}` : `${workingDir}/${folder}/${name}`
  );
}

/** A module's bytes; `other` for another file. */
function readModule(view: View, path: string): Uint8Array<ArrayBuffer> | "other" | undefined {
  try {
    const { kind } = view.stat(path);
    if (kind !== "file") return kind === "folder" ? undefined : "other"; // a pipe would keep us waiting
    using file = view.open(path);
    const head = new Uint8Array(MAGIC.length);
    if (file.read(head) < head.length || new TextDecoder().decode(head) !== MAGIC) return "other";
    const { bytes: size } = file.stat();
    if (size > MODULE_TERMS.bytesMax) {
      throw new Error(`Cannot run "${path}": a module has at most ${MODULE_TERMS.bytesMax} bytes`);
    }
    file.seek(0);
    const bytes = new Uint8Array(size);
    let length = 0;
    while (length < size) {
      const count = file.read(bytes.subarray(length));
      if (count === 0) break;
      length += count;
    }
    return bytes.subarray(0, length);
  } catch (error) {
    if (error instanceof ViewError) return undefined;
    throw error;
  }
}
