/**
 * A process that swaps things, over and over, until it is killed: `deno run -A swapper.ts FOLDER`. In
 * the folder, `way` is by turns the directory `inside` and a link that leads out; and what is in `way`
 * is by turns out of the folder, so that its `..` leads elsewhere.
 */
import { renameSync } from "node:fs";

const [folder] = Deno.args;
console.log("swapping");
while (true) {
  renameSync(`${folder}/way`, `${folder}/inside`);
  renameSync(`${folder}/link`, `${folder}/way`);
  renameSync(`${folder}/way`, `${folder}/link`);
  renameSync(`${folder}/inside`, `${folder}/way`);
  renameSync(`${folder}/way/folder`, `${folder}/../outside/taken`);
  renameSync(`${folder}/../outside/taken`, `${folder}/way/folder`);
}
