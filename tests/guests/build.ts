/**
 * Builds the guests: `deno run -A tests/guests/build.ts` prints where they are.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cached, hashFolder } from "../parts/cache.ts";
import { withProgress } from "../parts/run.ts";
import { GUEST_GROUPS, type GuestGroup } from "./compile.ts";

const SOURCES = fileURLToPath(new URL(".", import.meta.url));

let built: Promise<ReadonlyMap<string, string>> | undefined;

/**
 * Builds every guest that is not built yet, and answers the path of each by its name.
 *
 * A name is the source's, with the language before it: `exit_42`, `go_hello`, `rust_hello`. The
 * sources and tools are looked at once in a process.
 */
export function buildGuests(): Promise<ReadonlyMap<string, string>> {
  return built ??= buildGroups();
}

/**
 * The path of one guest.
 *
 * @throws {Error} if there is no such guest on this machine.
 */
export async function guest(name: string): Promise<string> {
  const path = (await buildGuests()).get(name);
  if (path === undefined) throw new Error(`Cannot use guest "${name}": nothing builds it here`);
  return path;
}

async function buildGroups(): Promise<ReadonlyMap<string, string>> {
  const guests = new Map<string, string>();
  for (const group of GUEST_GROUPS) {
    const folder = await buildGroup(group);
    if (folder === undefined) continue;
    for await (const { name } of Deno.readDir(folder)) {
      guests.set(name.replace(/\.wasm$/, ""), join(folder, name));
    }
  }
  return guests;
}

async function buildGroup(group: GuestGroup): Promise<string | undefined> {
  const version = await group.version();
  if (version === undefined) {
    console.error(`parts: no guests from ${group.folder}: its tool or target is not installed`);
    return undefined;
  }
  const source = join(SOURCES, group.folder);
  const sources = await hashFolder(
    source,
    (name) => name === "compile.ts" || group.suffixes.some((suffix) => name.endsWith(suffix)),
  );
  const recipe = await Deno.readTextFile(join(SOURCES, "compile.ts"));
  return await cached({
    name: `guests_${group.folder}`,
    inputs: [sources, version, recipe],
    build: (output) =>
      withProgress(`guests from ${group.folder}`, () => group.build(source, output)),
  });
}

if (import.meta.main) {
  for (const [name, path] of await buildGuests()) console.log(`${name}\t${path}`);
}
