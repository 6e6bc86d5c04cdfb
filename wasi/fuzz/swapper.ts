/**
 * A process that swaps a directory for a link, over and over, until it is killed: `deno run -A
 * swapper.ts FOLDER`. In the folder, `way` is by turns the directory `inside` and a link that leads
 * out.
 */
import { renameSync } from "node:fs";

const [folder] = Deno.args;
console.log("swapping");
while (true) {
  renameSync(`${folder}/way`, `${folder}/inside`);
  renameSync(`${folder}/link`, `${folder}/way`);
  renameSync(`${folder}/way`, `${folder}/link`);
  renameSync(`${folder}/inside`, `${folder}/way`);
}
