/**
 * What the store knows of its images: the content of `<dir>/references.json`.
 *
 * @module
 */
import { type ImageAccess, isOwner } from "../credentials/verification.ts";
import { type ImageRecord, isRecord, recordKey } from "./image_record.ts";

export type { ImageRecord } from "./image_record.ts";

/** When an image came and when it was last seen in use, in milliseconds since 1970. */
export interface ImageUse {
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Everything in the index. */
export interface IndexState {
  /** By `recordKey`. */
  readonly images: ReadonlyMap<string, ImageRecord>;
  /** By `imageId`; an image that this node has not pulled itself is absent. */
  readonly access: ReadonlyMap<string, ImageAccess>;
  /** By `imageId`. */
  readonly use: ReadonlyMap<string, ImageUse>;
  /** By `imageId`: what has been found true of its signatures, as the image policy calls it. */
  readonly signed: ReadonlyMap<string, string>;
}

/** An index of nothing. */
export const EMPTY_INDEX: IndexState = {
  images: new Map(),
  access: new Map(),
  use: new Map(),
  signed: new Map(),
};

/**
 * Reads an index file; undefined for one that is torn or of an unknown shape. Of a whole one the parts
 * of an unknown shape are left out: an image without a record is pulled again, and a right that cannot
 * be read has not been shown.
 */
export function parseIndex(text: string): IndexState | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(body) || body["version"] !== 1 || !Array.isArray(body["images"])) {
    return undefined;
  }
  const records = body["images"].filter(isRecord);
  return {
    images: new Map(records.map((record) => [recordKey(record), record])),
    access: readMap(body["access"], (value) => ({
      owners: isObject(value) && Array.isArray(value["owners"])
        ? value["owners"].filter(isOwner)
        : [],
    })),
    use: readMap(body["use"], (value) => isUse(value) ? value : undefined),
    signed: readMap(body["signed"], (value) => typeof value === "string" ? value : undefined),
  };
}

/** Prints an index, so that {@linkcode parseIndex} reads it back. */
export function formatIndex({ images, access, use, signed }: IndexState): string {
  return JSON.stringify(
    {
      version: 1,
      images: [...images.values()],
      access: Object.fromEntries(access),
      use: Object.fromEntries(use),
      signed: Object.fromEntries(signed),
    },
    null,
    1,
  );
}

function readMap<T>(value: unknown, read: (value: unknown) => T | undefined): Map<string, T> {
  const map = new Map<string, T>();
  for (const [key, entry] of Object.entries(isObject(value) ? value : {})) {
    const found = read(entry);
    if (found !== undefined) map.set(key, found);
  }
  return map;
}

function isUse(value: unknown): value is ImageUse {
  return isObject(value) && Number.isFinite(value["firstMs"]) && Number.isFinite(value["lastMs"]);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
