/**
 * Which image lies on disk for which reference, and who may use it: `<dir>/references.json`.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { messageOf } from "../../errors.ts";
import { type ImageAccess, withOwner } from "../credentials/verification.ts";
import type { Owner } from "../credentials/tracked.ts";
import { formatReference, type Reference } from "../oci/reference.ts";
import { diskFailure, isDamage, replaceFile, spaceFailure } from "./disk.ts";
import { type ImagePurpose, recordKey } from "./image_record.ts";
import {
  EMPTY_INDEX,
  formatIndex,
  type ImageRecord,
  type IndexState,
  parseIndex,
} from "./index_state.ts";
import type { StoreLock } from "./store_lock.ts";

export type { ImageRecord, IndexState } from "./index_state.ts";

const log = getLogger(["krustlet", "images"]);

/** What a new record comes with. */
export interface PutOptions {
  /** Who has shown the right to pull the image. @default {nobody, and each pod must} */
  readonly owner?: Owner | undefined;
  /** What has been found true of the image's signatures. */
  readonly signed?: string | undefined;
}

/**
 * The records, shared by all processes that use the store: read again when the file is another, and
 * changed on top of what the others have written.
 */
export class ReferenceIndex {
  readonly #dir: string;
  readonly #lock: StoreLock;
  #state: IndexState = EMPTY_INDEX;
  /** Of the file that `#state` was read from. */
  #version: string | undefined;
  #changing: Promise<void> = Promise.resolve();

  constructor(dir: string, lock: StoreLock) {
    this.#dir = dir;
    this.#lock = lock;
  }

  /** Everything, as it is now. */
  async all(): Promise<IndexState> {
    try {
      await this.#refresh();
      return this.#state;
    } catch (error) {
      throw diskFailure(error, this.#dir);
    }
  }

  /** What is known of this reference. A digest is found under any tag that it was pulled by. */
  async find(
    reference: Reference,
    purpose: ImagePurpose = "run",
  ): Promise<ImageRecord | undefined> {
    const { images } = await this.all();
    if (reference.digest === undefined) {
      return images.get(recordKey({ image: formatReference(reference), purpose }));
    }
    const imageId = `${reference.registry}/${reference.repository}@${reference.digest}`;
    return images.values().find((record) =>
      record.imageId === imageId && (record.purpose ?? "run") === purpose
    );
  }

  /** Who has shown a right to the image; undefined if this node has not pulled it. */
  async access(imageId: string): Promise<ImageAccess | undefined> {
    return (await this.all()).access.get(imageId);
  }

  /** Remembers an image under its reference, on disk when the promise settles. */
  async put(record: ImageRecord, { owner, signed }: PutOptions = {}): Promise<void> {
    const nowMs = Date.now();
    await this.change((state) => {
      const known = state.access.get(record.imageId);
      const access = owner === undefined
        ? known ?? { owners: [] }
        : withOwner(known ?? { owners: [] }, owner);
      // A container that starts often asks often: what says nothing new need not reach the disk.
      if (access === known && isSame(state, { record, signed })) return state;
      const use = state.use.get(record.imageId) ?? { firstMs: nowMs };
      return {
        images: new Map(state.images).set(recordKey(record), record),
        access: new Map(state.access).set(record.imageId, access),
        use: new Map(state.use).set(record.imageId, { ...use, lastMs: nowMs }),
        signed: signed === undefined
          ? state.signed
          : new Map(state.signed).set(record.imageId, signed),
      };
    });
  }

  /**
   * Changes the index, on disk when the promise settles. `decide` must not wait; giving back the
   * state that it got changes nothing.
   */
  async change(decide: (state: IndexState) => IndexState): Promise<void> {
    const change = this.#changing.then(() => this.#change(decide));
    this.#changing = change.catch(() => {});
    try {
      await change;
    } catch (error) {
      throw await spaceFailure(error, { dir: this.#dir, bytes: undefined });
    }
  }

  async #change(decide: (state: IndexState) => IndexState): Promise<void> {
    await this.#lock.changing(async () => {
      await this.#refresh();
      const state = decide(this.#state);
      if (state === this.#state) return;
      const text = formatIndex(state);
      await replaceFile(this.#path, text).catch(async (error) => {
        throw await spaceFailure(error, { dir: this.#dir, bytes: text.length });
      });
      this.#state = state;
      this.#version = await versionOf(this.#path);
    });
  }

  async #refresh(): Promise<void> {
    const version = await versionOf(this.#path);
    if (version === this.#version) return;
    this.#state = version === undefined ? EMPTY_INDEX : await this.#read();
    this.#version = version;
  }

  /** The file's content; that of a damaged file is nothing, and the next change replaces it. */
  async #read(): Promise<IndexState> {
    let damage = "it is torn, or another program's";
    try {
      const state = parseIndex(await Deno.readTextFile(this.#path));
      if (state !== undefined) return state;
    } catch (error) {
      // What cannot be read just now must not be taken for nothing, and be lost by the next change.
      if (!isDamage(error)) throw error;
      damage = messageOf(error);
    }
    log.warn('Cannot read "{path}", so all images are looked up, or pulled, again: {damage}', {
      path: this.#path,
      damage,
    });
    return EMPTY_INDEX;
  }

  get #path(): string {
    return join(this.#dir, "references.json");
  }
}

function isSame(
  { images, signed }: IndexState,
  found: { readonly record: ImageRecord; readonly signed: string | undefined },
): boolean {
  const { record } = found;
  return isDeepStrictEqual(images.get(recordKey(record)), record) &&
    (found.signed === undefined || found.signed === signed.get(record.imageId));
}

/** Each change makes a new file, so its number and time tell it from all others. */
async function versionOf(path: string): Promise<string | undefined> {
  try {
    const { ino, size, mtime } = await Deno.stat(path);
    return `${ino} ${size} ${mtime?.getTime()}`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
