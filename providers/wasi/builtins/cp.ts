import { type BuiltinCall, forEach, pathOf, Trouble } from "./call.ts";
import { parseFlags } from "./flags.ts";
import { CHUNK_BYTES } from "./streams.ts";
import { identity, inside, look, nameOf, walk } from "./walk.ts";
import type { View } from "../../../wasi/mod.ts";

/** `cp [-rRap] FROM... TO`: copies files; with `-r` also folders, and links as links. */
export async function cp(call: BuiltinCall): Promise<number> {
  const { given, operands } = parseFlags(call.args, { flags: "rRapfdv" });
  const deep = ["r", "R", "a"].some((flag) => given.has(flag));
  return await eachInto(call, operands, async (from, to) => {
    if (deep) return await copyTree(call.view, { from, to });
    if (call.view.stat(from).kind === "folder") throw new Trouble("Is a directory; -r copies it");
    copyFile(call.view, { from, to });
  });
}

/** `mv FROM... TO`: gives another name, or copies and removes where that leads into another volume. */
export async function mv(call: BuiltinCall): Promise<number> {
  const { operands } = parseFlags(call.args, { flags: "fv" });
  return await eachInto(call, operands, async (from, to) => {
    try {
      call.view.rename(from, to);
    } catch (error) {
      if (!(error instanceof Error) || !("errno" in error) || error.errno !== "xdev") throw error;
      await copyTree(call.view, { from, to });
      const all = walk(call.view, from, { onError: rethrow });
      for await (const { path, stat, when } of all) {
        if (when === "leave") call.view.removeFolder(path);
        else if (stat.kind !== "folder") call.view.unlink(path);
      }
    }
  });
}

/** Runs for each source with the place that it goes to: in the target if that is a folder. */
async function eachInto(
  call: BuiltinCall,
  operands: readonly string[],
  run: (from: string, to: string) => Promise<void>,
): Promise<number> {
  const target = operands.at(-1);
  if (target === undefined || operands.length < 2) {
    throw new Trouble("it needs a source and a target");
  }
  const place = pathOf(call, target);
  const isFolder = look(call.view, place)?.kind === "folder";
  if (operands.length > 2 && !isFolder) throw new Trouble(`"${target}" is not a folder`);
  return await forEach(call, operands.slice(0, -1), async (name) => {
    const from = pathOf(call, name);
    await run(from, isFolder ? inside(place, nameOf(from)) : place);
  });
}

interface FromTo {
  readonly from: string;
  readonly to: string;
}

async function copyTree(view: View, { from, to }: FromTo): Promise<void> {
  // What is made on the way must not be met again: a copy into itself would have no end.
  const made = new Set<string>();
  const base = from.replace(/\/+$/, "");
  for await (const { path, stat, when } of walk(view, from, { onError: rethrow })) {
    if (when === "leave") continue;
    if (made.has(identity(stat))) throw new Trouble("it cannot be copied into itself");
    const place = path === from ? to : `${to}${path.slice(base.length)}`;
    if (stat.kind === "folder") {
      if (look(view, place)?.kind !== "folder") view.makeFolder(place);
      made.add(identity(view.stat(place)));
    } else if (stat.kind === "link") view.symlink(view.readlink(path), place);
    else copyFile(view, { from: path, to: place });
  }
}

function copyFile(view: View, { from, to }: FromTo): void {
  const there = look(view, to);
  using source = view.open(from);
  if (there !== undefined && identity(there) === identity(source.stat())) {
    throw new Trouble("it is the same file as its target");
  }
  using target = view.open(to, { write: true, create: true, truncate: true });
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (let count = source.read(buffer); count > 0; count = source.read(buffer)) {
    target.write(buffer.subarray(0, count));
  }
}

function rethrow(_path: string, error: unknown): Promise<void> {
  return Promise.reject(error);
}
