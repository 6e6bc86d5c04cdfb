/**
 * A process that pulls one image into a store and says when it begins and when it is done.
 *
 *     deno run -A _pull_child.ts DIR HOST IMAGE
 *
 * @module
 */
import { ImageStore } from "../images.ts";

const [dir = "", host = "", image = ""] = Deno.args;
await using store = new ImageStore({
  dir,
  registries: { insecure: [host] },
  localModules: "refused",
});
console.log("pulling");
const { module } = await store.ensure(
  { image, secrets: [], policy: "Always" },
  { signal: new AbortController().signal },
);
console.log(module?.digest);
