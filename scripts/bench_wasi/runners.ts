import { fileURLToPath } from "node:url";
import { findWasmtime } from "./wasmtime.ts";

/** A way to run a guest as a process of its own. */
export interface Runner {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

const CLI = fileURLToPath(new URL("../../wasi/cli.ts", import.meta.url));

/** The peer's program as a script for Node.js: `FILE FOLDER`. */
const NODE = `
  const { WASI } = require("node:wasi");
  const [, file, folder, ...args] = process.argv;
  const wasi = new WASI({ version: "preview1", args: [file, ...args], preopens: { "/box": folder } });
  WebAssembly.instantiate(require("node:fs").readFileSync(file), wasi.getImportObject())
    .then(({ instance }) => wasi.start(instance));`;

/**
 * Both hosts of ours, and the peer: the wasmtime of `$WASMTIME` or of the path, else Node.js's WASI.
 * The guest finds the folder as `/box`.
 */
export async function runners(
  file: string,
  folder: string,
): Promise<{ ours: readonly Runner[]; peer: Runner }> {
  const ours = (["libc", "portable"] as const).map((host) => ({
    name: host,
    command: Deno.execPath(),
    args: ["run", "-A", CLI, "--host", host, "--dir", `${folder}::/box`, file],
  }));
  const wasmtime = await findWasmtime();
  const peer = wasmtime !== undefined
    ? { name: "wasmtime", command: wasmtime, args: ["run", "--dir", `${folder}::/box`, file] }
    : { name: "node:wasi of Node.js", command: "node", args: ["-e", NODE, file, folder] };
  return { ours, peer };
}
