/**
 * Compiles an AssemblyScript program: `deno run -A compile.ts SOURCE.as OUTPUT.wasm`.
 *
 * A process of its own, because the compiler keeps state and prints where it likes.
 *
 * @module
 */
import { basename } from "node:path";
import { main } from "assemblyscript/asc";

const [source, output] = Deno.args;
if (source === undefined || output === undefined) {
  console.error("Usage: compile.ts SOURCE.as OUTPUT.wasm");
  Deno.exit(2);
}
const name = basename(source, ".as");
const { error, stderr } = await main([
  `${name}.ts`,
  ...["--outFile", "out.wasm", "--optimize", "--runtime", "minimal"],
  // The program is a WASI command: it begins at _start, and its abort is its own.
  ...["--exportStart", "_initialize_globals", "--use", `abort=${name}/abort`],
], {
  // The compiler insists on the ending .ts, under which other tools would take it for TypeScript.
  readFile: (file) => file === `${name}.ts` ? Deno.readTextFile(source) : null,
  writeFile: (_file, contents) => Deno.writeFile(output, bytesOf(contents)),
  listFiles: () => [],
});
if (error) {
  console.error(String(stderr), error.message);
  Deno.exit(1);
}

function bytesOf(contents: string | Uint8Array): Uint8Array {
  return typeof contents === "string" ? new TextEncoder().encode(contents) : contents;
}
