import { type BuiltinCall, complain, pathOf, print, Trouble } from "./call.ts";
import { ByteReader } from "./byte_reader.ts";
import { makeFolders } from "./change.ts";
import type { Source } from "./streams.ts";
import type { TarWishes } from "./tar_wishes.ts";
import { BLOCK_BYTES, padded, readHeader, readPax, type TarEntry, withPax } from "./tar_header.ts";
import { look } from "./walk.ts";

/** Bytes of a pax header or of a long name: names are 4 KiB at the most. */
const ABOUT_BYTES_MAX = 1024 * 1024;
/** GNU tar's code for an archive of which not all was extracted. */
const INCOMPLETE = 2;

interface Extraction {
  readonly wishes: TarWishes;
  readonly source: Source;
}

/** Extracts or lists an archive. What cannot be extracted is told, and left out. */
export async function extractArchive(
  call: BuiltinCall,
  { wishes, source }: Extraction,
): Promise<number> {
  const reader = new ByteReader(source);
  let code = 0;
  const links = new Set<string>();
  const wanted = wishes.operands.map(({ name }) => name.replace(/^\/+|\/+$/g, ""));
  for (let entry = await nextEntry(reader); entry; entry = await nextEntry(reader)) {
    const { name, bytes } = entry;
    const end = reader.position + padded(bytes);
    if (wanted.length === 0 || wanted.some((other) => isWithin(name, other))) {
      const list = wishes.mode === "list";
      if (list || wishes.verbose) await print(list ? call.stdout : call.stderr, `${name}\n`);
      try {
        if (!list) await extract(call, { entry, reader, wishes, links });
      } catch (error) {
        code = INCOMPLETE;
        await complain(call, name, error);
      }
    }
    await reader.passOver(end - reader.position);
  }
  // Whoever sends it may pad it, and would take a closed pipe for a failure.
  await reader.drain();
  return code;
}

function isWithin(name: string, folder: string): boolean {
  const plain = name.replace(/^\/+|\/+$/g, "");
  return plain === folder || plain.startsWith(`${folder}/`);
}

async function nextEntry(reader: ByteReader): Promise<TarEntry | undefined> {
  const said = new Map<string, string>();
  for (;;) {
    const bytes = await reader.take(BLOCK_BYTES);
    if (bytes === undefined) {
      if (reader.position === 0) throw new Trouble("This does not look like a tar archive", 2);
      return undefined; // some forget the blocks at the end
    }
    const block = readHeader(bytes);
    if (block.is === "end") return undefined;
    if (block.is === "entry") return withPax(block.entry, said);
    if (block.bytes > ABOUT_BYTES_MAX) throw new Trouble("A name in the archive is too long", 2);
    const about = await reader.take(padded(block.bytes));
    if (about === undefined) throw new Trouble("Unexpected end of archive", 2);
    const text = about.subarray(0, block.bytes);
    if (block.is === "pax") { for (const [key, value] of readPax(text)) said.set(key, value); }
    if (block.is === "long name") said.set("path", withoutNul(text));
    if (block.is === "long target") said.set("linkpath", withoutNul(text));
  }
}

function withoutNul(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).replace(/\0.*$/s, "");
}

interface One {
  readonly entry: TarEntry;
  readonly reader: ByteReader;
  readonly wishes: TarWishes;
  /** The symbolic links that this archive has made: nothing is extracted through them. */
  readonly links: Set<string>;
}

async function extract(call: BuiltinCall, { entry, reader, wishes, links }: One): Promise<void> {
  const { view } = call;
  const name = safeName(entry.name);
  if (name === "") return; // the folder itself
  const path = pathOf({ cwd: wishes.folder }, name);
  refuseThrough(links, path);
  makeFolders(call, path.slice(0, path.lastIndexOf("/")));
  if (entry.kind === "folder") return makeFolders(call, path);
  if (entry.kind === "other") throw new Trouble("it is neither file nor folder nor link");
  const there = look(view, path, { follow: false });
  // A link that is there is replaced: what it leads to is not what was sent.
  if (there !== undefined && there.kind !== "folder") view.unlink(path);
  links.delete(path);
  if (entry.kind === "symlink") {
    view.symlink(entry.target, path);
    links.add(path);
    return;
  }
  if (entry.kind === "hardlink") {
    const target = pathOf({ cwd: wishes.folder }, safeName(entry.target));
    refuseThrough(links, target);
    view.link(target, path);
    if (links.has(target)) links.add(path);
    return;
  }
  using file = view.open(path, { write: true, create: true, exclusive: true, follow: false });
  await reader.pass(entry.bytes, (bytes) => file.write(bytes));
  if (!wishes.touch) {
    file.setTimes({ atim: "keep", mtim: BigInt(entry.mtime) * 1_000_000_000n });
  }
}

/** Whoever made the archive could write anywhere through a link that leads out of the folder. */
function refuseThrough(links: ReadonlySet<string>, path: string): void {
  for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) {
    if (links.has(path.slice(0, at))) throw new Trouble("a link of the archive is on its way");
  }
}

/** From the folder on that it is extracted into, and not out of it. */
function safeName(name: string): string {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw new Trouble('its name has ".." in it');
  if (name.includes("\0")) throw new Trouble("its name holds a NUL");
  return parts.join("/");
}
