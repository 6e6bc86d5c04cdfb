import { type BuiltinCall, forEach, pathOf, print } from "./call.ts";
import { parseFlags } from "./flags.ts";
import { inside, namesIn } from "./walk.ts";
import type { ViewStat } from "../../../wasi/mod.ts";

interface Item {
  readonly name: string;
  readonly path: string;
}

/** `ls [-aAldR1F] [PATH...]`: what is in folders, by name. `-l` shows sizes and times. */
export async function ls(call: BuiltinCall): Promise<number> {
  const { given, operands } = parseFlags(call.args, { flags: "aAlhdR1Fn" });
  const names = operands.length === 0 ? ["."] : operands;
  const follow = !given.has("l") && !given.has("d");
  const folders: Item[] = [];
  const files: Item[] = [];
  let code = await forEach(call, names, (name) => {
    const path = pathOf(call, name);
    const { kind } = look(call, path, follow);
    (kind === "folder" && !given.has("d") ? folders : files).push({ name, path });
  });
  for (const file of files) await show(call, given, file);
  const headed = names.length > 1 || given.has("R");
  let first = files.length === 0;
  for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
    const { name, path } = folder;
    if (headed) await print(call.stdout, `${first ? "" : "\n"}${name}:\n`);
    first = false;
    const deeper: Item[] = [];
    code |= await forEach(call, [name], async () => {
      for (const entry of listed(call, path, given)) {
        await show(call, given, { name: entry, path: inside(path, entry) });
        if (!given.has("R") || entry === "." || entry === "..") continue;
        const isFolder = call.view.stat(inside(path, entry), { follow: false }).kind === "folder";
        if (isFolder) deeper.push({ name: inside(name, entry), path: inside(path, entry) });
      }
    });
    folders.unshift(...deeper);
  }
  return code;
}

function look({ view }: BuiltinCall, path: string, follow: boolean): ViewStat {
  try {
    return view.stat(path, { follow });
  } catch (error) {
    if (!follow) throw error;
    return view.stat(path, { follow: false }); // a link that leads nowhere is something, too
  }
}

function listed({ view }: BuiltinCall, path: string, given: ReadonlySet<string>): string[] {
  const names = namesIn(view, path);
  if (given.has("a")) return [".", "..", ...names];
  return given.has("A") ? names : names.filter((name) => !name.startsWith("."));
}

async function show(call: BuiltinCall, given: ReadonlySet<string>, item: Item): Promise<void> {
  if (!given.has("l") && !given.has("n")) {
    const mark = given.has("F") ? markOf(call.view.stat(item.path, { follow: false })) : "";
    return await print(call.stdout, `${item.name}${mark}\n`);
  }
  const stat = call.view.stat(item.path, { follow: false });
  const target = stat.kind === "link" ? ` -> ${call.view.readlink(item.path)}` : "";
  const owner = given.has("n") ? "0        0       " : "root     root    ";
  const time = new Date(Number(stat.mtimeNs / 1_000_000n)).toISOString();
  const columns = [
    modeOf(stat),
    String(stat.links).padStart(4),
    owner,
    String(stat.bytes).padStart(10),
    `${time.slice(0, 10)} ${time.slice(11, 16)}`,
  ];
  await print(call.stdout, `${columns.join(" ")} ${item.name}${target}\n`);
}

function markOf({ kind }: ViewStat): string {
  return kind === "folder" ? "/" : kind === "link" ? "@" : "";
}

/** WASI knows no permissions: what everything in a container has in effect. */
export function modeOf({ kind }: Pick<ViewStat, "kind">): string {
  const letter = { file: "-", folder: "d", link: "l", other: "?" }[kind];
  return kind === "file" ? "-rw-r--r--" : `${letter}rwxr-xr-x`;
}
