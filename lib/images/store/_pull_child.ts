/**
 * A process that pulls one image into a store, and is killed on its way: in front of, or in the middle
 * of, the given step of the given stage. It tells each step of the disk, as a line of JSON.
 *
 *     deno run -A _pull_child.ts DIR HOST IMAGE STAGE NUMBER
 *
 * @module
 */
import { ImageStore } from "../images.ts";
import { stageOf, watchDisk } from "./_watched_disk.ts";

const [dir = "", host = "", image = "", stage = "", number = ""] = Deno.args;
let steps = 0;
watchDisk(dir, (step) => {
  // Not by console.log, which may be late.
  Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(step)}\n`));
  if (stageOf(step) === stage && ++steps === Number(number)) Deno.kill(Deno.pid, "SIGKILL");
});
await using store = new ImageStore({
  dir,
  registries: { insecure: [host] },
  localModules: "refused",
});
await store.ensure(
  { image, secrets: [], policy: "Always" },
  { signal: new AbortController().signal },
);
