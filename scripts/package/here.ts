/**
 * The program as an archive brings it, on this machine and by the Deno that runs this: what is measured and tried is
 * what is shipped. Not on Windows.
 *
 *     deno run -A scripts/package/here.ts
 *
 * makes it in `.cache/shipped` and prints the path of the command, which `$KRUSTLET_TEST_PROGRAM` lets the tests use.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { bundle } from "./bundle.ts";
import { importLate } from "./late_imports.ts";
import { launcher } from "./launcher.ts";
import { RUNTIME_VERSION, TARGETS } from "./targets.ts";
import { writeProgram } from "./write_program.ts";

/** What a program that lies in a folder is started by. */
export interface Here {
  /** The command that people start. */
  readonly command: string;
  /** What guest processes start with. */
  readonly guestEntry: URL;
}

/** Makes it in a folder. Rejects where this is another Deno than archives have. */
export async function makeHere(folder: string): Promise<Here> {
  if (Deno.version.deno !== RUNTIME_VERSION) {
    throw new Error(`Archives have Deno ${RUNTIME_VERSION}, and this is ${Deno.version.deno}`);
  }
  const lib = join(folder, "lib");
  await writeProgram(lib, [...await bundle()].map(([path, text]) => [path, importLate(text)]));
  await Deno.symlink(Deno.execPath(), join(lib, "deno"));
  const { path, text } = launcher(TARGETS[0]!);
  const command = join(folder, path);
  await Deno.writeTextFile(command, text, { mode: 0o755 });
  return { command, guestEntry: pathToFileURL(join(lib, "providers/wasi/guest_main.js")) };
}

if (import.meta.main) {
  const folder = fileURLToPath(new URL("../../.cache/shipped", import.meta.url));
  await Deno.remove(folder, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  console.log((await makeHere(folder)).command);
}
