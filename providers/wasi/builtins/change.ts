/**
 * Builtins that make, remove and touch.
 *
 * @module
 */
import { type BuiltinCall, complain, forEach, pathOf, Trouble } from "./call.ts";
import { parseFlags } from "./flags.ts";
import { look, walk } from "./walk.ts";

/** `mkdir [-p] FOLDER...`: makes folders; with `-p` those on the way, and none that is there is wrong. */
export async function mkdir(call: BuiltinCall): Promise<number> {
  const { given, operands } = parseFlags(call.args, { flags: "p", valued: "m" });
  if (operands.length === 0) throw new Trouble("it needs a folder");
  return await forEach(call, operands, (name) => {
    const path = pathOf(call, name);
    if (given.has("p")) makeFolders(call, path);
    else call.view.makeFolder(path);
  });
}

/** Makes a folder and those on the way to it, as far as they are not there. */
export function makeFolders({ view }: Pick<BuiltinCall, "view">, path: string): void {
  const missing: string[] = [];
  for (let at = path.replace(/\/+$/, ""); at !== ""; at = at.slice(0, at.lastIndexOf("/"))) {
    const found = look(view, at);
    if (found?.kind === "folder") break;
    if (found !== undefined) {
      view.makeFolder(at); // which says why it cannot be
      return;
    }
    missing.push(at);
  }
  for (const folder of missing.reverse()) {
    // `a/.` and `a/b/..` are there by now.
    if (look(view, folder)?.kind !== "folder") view.makeFolder(folder);
  }
}

/** `rmdir FOLDER...`: removes empty folders. */
export async function rmdir(call: BuiltinCall): Promise<number> {
  const { operands } = parseFlags(call.args, {});
  return await forEach(call, operands, (name) => call.view.removeFolder(pathOf(call, name)));
}

/** `rm [-rf] PATH...`: removes files, with `-r` also folders and all in them; it follows no link. */
export async function rm(call: BuiltinCall): Promise<number> {
  const { given, operands } = parseFlags(call.args, { flags: "rRfv" });
  const [deep, forced] = [given.has("r") || given.has("R"), given.has("f")];
  if (operands.length === 0 && !forced) throw new Trouble("it needs a path");
  const code = await forEach(call, operands, async (name) => {
    const path = pathOf(call, name);
    const found = look(call.view, path, { follow: false });
    if (found === undefined && forced) return;
    if (found?.kind !== "folder") return call.view.unlink(path);
    if (!deep) throw new Trouble("Is a directory");
    if (/(^|\/)(\.{0,2})\/*$/.test(name)) throw new Trouble("refusing to remove it");
    await removeTree(call, path);
  });
  return code;
}

async function removeTree(call: BuiltinCall, start: string): Promise<void> {
  let failed = false;
  const onError = async (path: string, error: unknown): Promise<void> => {
    failed = true;
    await complain(call, path, error);
  };
  for await (const { path, stat, when } of walk(call.view, start, { onError })) {
    try {
      if (when === "leave") call.view.removeFolder(path);
      else if (stat.kind !== "folder") call.view.unlink(path);
    } catch (error) {
      await onError(path, error);
    }
  }
  if (failed) throw new Trouble("not all of it could be removed");
}

/** `touch [-c] FILE...`: makes files that are not there, and sets the times of others to the present. */
export async function touch(call: BuiltinCall): Promise<number> {
  const { given, operands } = parseFlags(call.args, { flags: "cam" });
  if (operands.length === 0) throw new Trouble("it needs a file");
  return await forEach(call, operands, (name) => {
    const path = pathOf(call, name);
    if (look(call.view, path) !== undefined) {
      call.view.setTimes(path, { atim: "now", mtim: "now" });
    } else if (!given.has("c")) {
      call.view.open(path, { write: true, create: true })[Symbol.dispose]();
    }
  });
}
