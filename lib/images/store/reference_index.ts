/**
 * Which image lies on disk for which reference: `<dir>/references.json`.
 *
 * @module
 */
import { join } from "node:path";
import { formatReference, isDigest, type Reference } from "../oci/reference.ts";
import { diskFailure } from "./store.ts";

/** An image as it was pulled, without its bytes. */
export interface ImageRecord {
  /** The reference in its normal form. */
  readonly image: string;
  /** `registry/repository@digest`: what the reference meant when it was pulled. */
  readonly imageId: string;
  readonly module: { readonly digest: string; readonly size: number };
  readonly moduleName: string;
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly imageEnv?: Readonly<Record<string, string>>;
}

/** The records by reference. Read at the first use, written beside and renamed at each change. */
export class ReferenceIndex {
  readonly #dir: string;
  #records: Promise<Map<string, ImageRecord>> | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** What is known of this reference. A digest is found under any tag that it was pulled by. */
  async find(reference: Reference): Promise<ImageRecord | undefined> {
    const records = await (this.#records ??= this.#load());
    if (reference.digest === undefined) return records.get(formatReference(reference));
    const imageId = `${reference.registry}/${reference.repository}@${reference.digest}`;
    for (const record of records.values()) if (record.imageId === imageId) return record;
    return undefined;
  }

  /** Remembers an image under its reference, on disk when the promise settles. */
  async put(record: ImageRecord): Promise<void> {
    const records = await (this.#records ??= this.#load());
    records.set(record.image, record);
    // In turn, so that an older state never replaces a newer one; each write holds the newest.
    const write = this.#writing.then(() => this.#write(records));
    this.#writing = write.catch(() => {});
    await write;
  }

  async #write(records: Map<string, ImageRecord>): Promise<void> {
    const path = join(this.#dir, "references.json");
    const beside = `${path}.${crypto.randomUUID()}`;
    try {
      await Deno.mkdir(this.#dir, { recursive: true, mode: 0o700 });
      const text = JSON.stringify({ version: 1, images: [...records.values()] }, null, 1);
      await Deno.writeTextFile(beside, text, { createNew: true, mode: 0o600 });
      await Deno.rename(beside, path);
    } catch (error) {
      await Deno.remove(beside).catch(() => {});
      throw diskFailure(error, this.#dir);
    }
  }

  async #load(): Promise<Map<string, ImageRecord>> {
    const text = await Deno.readTextFile(join(this.#dir, "references.json")).catch(() => "");
    return new Map(readRecords(text).map((record) => [record.image, record]));
  }
}

/**
 * The records in an index file; those that are torn or of an unknown shape are left out.
 *
 * That loses nothing: an image without a record is pulled again.
 */
export function readRecords(text: string): ImageRecord[] {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return [];
  }
  if (!isObject(body) || body["version"] !== 1 || !Array.isArray(body["images"])) return [];
  return body["images"].filter(isRecord);
}

function isRecord(value: unknown): value is ImageRecord {
  if (!isObject(value) || !isObject(value["module"])) return false;
  const { image, imageId, module, moduleName, entrypoint, cmd, imageEnv } = value;
  const { digest, size } = module;
  return typeof image === "string" && typeof imageId === "string" &&
    typeof moduleName === "string" && typeof digest === "string" && isDigest(digest) &&
    Number.isSafeInteger(size) &&
    [entrypoint, cmd].every((words) => words === undefined || isTexts(words)) &&
    (imageEnv === undefined ||
      (isObject(imageEnv) && Object.values(imageEnv).every((x) => typeof x === "string")));
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((x) => typeof x === "string");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
