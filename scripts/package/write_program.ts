import { dirname, join } from "node:path";

/** Writes a program's files below a folder, by their paths there, with the folders that they need. */
export async function writeProgram(
  folder: string,
  files: Iterable<readonly [path: string, text: string]>,
): Promise<void> {
  for (const [path, text] of files) {
    await Deno.mkdir(join(folder, dirname(path)), { recursive: true });
    await Deno.writeTextFile(join(folder, path), text);
  }
}
