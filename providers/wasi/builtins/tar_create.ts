import { type BuiltinCall, complain, pathOf, print, Trouble } from "./call.ts";
import { type Bytes, CHUNK_BYTES, type Sink } from "./streams.ts";
import type { TarWishes } from "./tar_wishes.ts";
import { BLOCK_BYTES, padded, writeHeader } from "./tar_header.ts";
import { identity, walk } from "./walk.ts";
import type { ViewStat } from "../../../wasi/mod.ts";

/** GNU tar's code for an archive that is not all that was asked for. */
const INCOMPLETE = 2;

/** Writes an archive of trees. What cannot be read is told, and left out. */
export async function createArchive(
  call: BuiltinCall,
  { wishes, sink }: { readonly wishes: TarWishes; readonly sink: Sink },
): Promise<number> {
  const { operands, archive, verbose } = wishes;
  if (operands.length === 0) throw new Trouble("it needs something to put into the archive", 2);
  const own = archive === "-" ? undefined : identity(call.view.stat(pathOf(call, archive)));
  let code = 0;
  for (const { folder, name } of operands) {
    const base = pathOf({ cwd: folder }, name).replace(/(?<=.)\/+$/, "");
    const told = name.replace(/(?<=.)\/+$/, "");
    const onError = async (path: string, error: unknown): Promise<void> => {
      code = INCOMPLETE;
      await complain(call, told + path.slice(base.length), error);
    };
    for await (const { path, stat, when } of walk(call.view, base, { onError })) {
      if (when === "leave" || identity(stat) === own) continue;
      const within = path === base ? told : `${told}${path.slice(base === "/" ? 0 : base.length)}`;
      try {
        if (verbose) await print(call.stderr, `${within}\n`);
        await addEntry(call, { path, stat, name: memberName(within), sink });
      } catch (error) {
        await onError(path, error);
      }
    }
  }
  await sink.write(new Uint8Array(2 * BLOCK_BYTES));
  return code;
}

/** Names in archives begin at no root. */
function memberName(path: string): string {
  return path.replace(/^\/+/, "") || ".";
}

interface Addition {
  readonly path: string;
  readonly stat: ViewStat;
  readonly name: string;
  readonly sink: Sink;
}

async function addEntry(call: BuiltinCall, { path, stat, name, sink }: Addition): Promise<void> {
  const entry = { name, mtime: Number(stat.mtimeNs / 1_000_000_000n), target: "", bytes: 0 };
  if (stat.kind === "folder") {
    return await sink.write(writeHeader({ ...entry, name: `${name}/`, kind: "folder" }));
  }
  if (stat.kind === "link") {
    const target = call.view.readlink(path);
    return await sink.write(writeHeader({ ...entry, kind: "symlink", target }));
  }
  if (stat.kind === "other") throw new Trouble("it is neither file nor folder nor link");
  using file = call.view.open(path, { follow: false });
  const { bytes } = file.stat();
  await sink.write(writeHeader({ ...entry, kind: "file", bytes }));
  const buffer = new Uint8Array(CHUNK_BYTES);
  // As much as the header said, whatever becomes of the file meanwhile.
  let left = bytes;
  while (left > 0) {
    const count = file.read(buffer.subarray(0, Math.min(left, CHUNK_BYTES)));
    if (count === 0) break;
    await sink.write(buffer.subarray(0, count));
    left -= count;
  }
  await zeros(sink, left + padded(bytes) - bytes);
  if (left > 0) throw new Trouble(`it shrank by ${left} bytes, which are zeros in the archive`);
}

async function zeros(sink: Sink, count: number): Promise<void> {
  const none: Bytes = new Uint8Array(CHUNK_BYTES);
  for (let left = count; left > 0; left -= CHUNK_BYTES) await sink.write(none.subarray(0, left));
}
