/**
 * Layers of an image, laid over one another in a folder of this machine.
 *
 * @module
 */
import { createHash, type Hash } from "node:crypto";
import { dirname } from "node:path";
import { removeTree } from "../../files.ts";
import { clean, PullFailure } from "../oci/failure.ts";
import { decompress } from "./decompress.ts";
import { diffIdMismatch } from "./diff_id.ts";
import { type Deed, layEntry } from "./lay_entry.ts";
import { LAYERS_MAX } from "./limits.ts";
import { readTar } from "./tar/reader.ts";
import { type Changes, TreeDraft } from "./tree_draft.ts";
import { TreeIndex } from "./tree_index.ts";
import { treePath } from "./tree_paths.ts";
import { Turns } from "./turns.ts";
import { WASM_HEAD_BYTES, wasmKind } from "./wasm_kind.ts";

/** One part of a tree, and its bytes. */
export type LayerSource =
  & {
    /** Of the bytes as they come. */
    readonly size: number;
    /** Opens the bytes; called once. */
    open(): AsyncIterable<Uint8Array>;
  }
  & (
    | {
      readonly kind: "archive";
      /** Digest of the unpacked archive. @default {it is not checked} */
      readonly diffId?: string;
    }
    /** One file, as it is. */
    | { readonly kind: "file"; readonly path: string }
  );

/**
 * Unpacks the layers into the folder `into`, which exists and is empty, and answers what is there.
 *
 * Only bytes of files, folders and symbolic links are made; rights, owners and times are not taken
 * over, as no guest can see them. Throws a `PullFailure` for what must not or cannot be unpacked; the
 * folder is then of no use.
 */
export async function unpackLayers(
  layers: readonly LayerSource[],
  { into, signal }: { readonly into: string; readonly signal: AbortSignal },
): Promise<TreeIndex> {
  if (layers.length > LAYERS_MAX) {
    throw new PullFailure(
      `it has ${layers.length} layers, more than ${LAYERS_MAX}; build it with fewer`,
    );
  }
  const unpacking = new Unpacking(into, signal);
  for (const layer of layers) await unpacking.add(layer);
  return new TreeIndex([...unpacking.draft.entries()]);
}

class Unpacking {
  readonly draft = new TreeDraft();
  readonly #into: string;
  readonly #turns: Turns;

  constructor(into: string, signal: AbortSignal) {
    this.#into = into;
    this.#turns = new Turns(signal);
  }

  async add(layer: LayerSource): Promise<void> {
    this.draft.nextLayer();
    if (layer.kind === "file") {
      const path = treePath(layer.path);
      await this.#apply(this.draft.file(path, layer.size));
      return await this.#write(path, { size: layer.size, body: layer.open() });
    }
    const { diffId, size } = layer;
    const hash = createHash(diffId?.split(":")[0] ?? "sha256");
    const bytes = this.#watched(decompress(layer.open(), { size }), hash);
    for await (const entry of readTar(bytes)) await this.#do(layEntry(this.draft, entry));
    if (diffId === undefined) return;
    const found = `${diffId.split(":")[0]}:${hash.digest("hex")}`;
    if (found !== diffId) throw diffIdMismatch(found, diffId);
  }

  /** Hashes what passes, and gives way to the rest of the agent. */
  async *#watched(bytes: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array> {
    for await (const piece of bytes) {
      hash.update(piece);
      await this.#turns.next();
      yield piece;
    }
  }

  async #do(deed: Deed): Promise<void> {
    await this.#apply(deed.changes);
    switch (deed.kind) {
      case "file":
        return await this.#write(deed.path, deed);
      case "symbolic_link":
        return await makeLink(deed.target, this.#path(deed.path));
      case "hard_link":
        return await Deno.link(this.#path(deed.to), this.#path(deed.path));
    }
  }

  async #write(
    path: readonly string[],
    { size, body }: { readonly size: number; readonly body: AsyncIterable<Uint8Array> },
  ): Promise<void> {
    const hash = createHash("sha256");
    const head: number[] = [];
    let written = 0;
    using file = await Deno.open(this.#path(path), { createNew: true, write: true, mode: 0o600 });
    for await (const piece of body) {
      if (head.length < WASM_HEAD_BYTES) {
        head.push(...piece.subarray(0, WASM_HEAD_BYTES - head.length));
      }
      hash.update(piece);
      for (let at = 0; at < piece.length;) at += await file.write(piece.subarray(at));
      written += piece.length;
      await this.#turns.next();
    }
    if (written !== size) {
      throw new PullFailure(`its file "${clean(path.join("/"))}" has ${written} of ${size} bytes`);
    }
    this.draft.content(path, {
      size,
      digest: `sha256:${hash.digest("hex")}`,
      wasm: wasmKind(Uint8Array.from(head)) !== undefined,
    });
  }

  async #apply({ remove, make }: Changes): Promise<void> {
    await this.#turns.next();
    // The tree is full of folders and files of ours: no link is ever followed by a removal.
    for (const path of remove) await removeTree(this.#path([path]));
    for (const path of make) await Deno.mkdir(this.#path([path]), { mode: 0o700 });
  }

  #path(path: readonly string[]): string {
    return [this.#into, ...path].join("/");
  }
}

/** Makes a symbolic link; on Windows, where a link has a kind, to a file. */
export async function makeLink(target: string, path: string): Promise<void> {
  try {
    await Deno.symlink(target, path, { type: "file" });
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    throw new PullFailure(
      `it holds symbolic links, which this machine does not let the agent make in "${
        dirname(path)
      }"; on Windows, switch developer mode on`,
      { cause: error },
    );
  }
}
