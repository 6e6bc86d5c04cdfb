/**
 * A folder of this machine in the form of the OCI image layout: `oci:./app`, `oci:/srv/app:v1`.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { messageOf } from "../../errors.ts";
import { DISK_BYTES, MANIFEST_BYTES_MAX } from "../limits.ts";
import { clean, PullFailure } from "../oci/failure.ts";
import { isDigest } from "../oci/reference.ts";
import type { Blob, BlobStore } from "../store/store.ts";
import { openRegular } from "./local_file.ts";
import { parseManifest } from "./manifest.ts";

/** The folder, and the name in it, that an image stands for; undefined if it is no such image. */
export function layoutPlace(image: string): { path: string; tag?: string } | undefined {
  // A path begins as one, so that `oci:1.0` is still an image of that name in a registry.
  const place = /^oci:((?:\.{0,2}[/\\]|[a-z]:[/\\]).*?)(?::([\w][\w.-]{0,127}))?$/i.exec(image);
  if (place === null) return undefined;
  const [, path = "", tag] = place;
  return { path, ...(tag === undefined ? {} : { tag }) };
}

/** A manifest or an index, and what it is the digest of. */
export interface FoundManifest {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly mediaType: string;
  readonly digest: string;
}

/** Where an index notes the name of an image. */
const REF_NAME = "org.opencontainers.image.ref.name";

/** Reads an OCI image layout. Everything that fails is a `PullFailure`. */
export class LayoutFolder {
  readonly #path: string;
  readonly #store: BlobStore;

  /** `path` is the folder; its blobs are copied into the store. */
  constructor(path: string, store: BlobStore) {
    this.#path = path;
    this.#store = store;
  }

  /** The image of this name; without a name the folder's index, which may have one for each platform. */
  async find(tag: string | undefined): Promise<FoundManifest> {
    await this.#small("oci-layout");
    const bytes = await this.#small("index.json");
    const index = parseManifest(bytes, "");
    if (index.kind !== "index") {
      throw new PullFailure(`"${join(this.#path, "index.json")}" is not an index of images`);
    }
    if (tag === undefined) return { bytes, mediaType: "", digest: digestOf(bytes, "sha256") };
    const named = index.manifests.filter(({ annotations }) => annotations[REF_NAME] !== undefined);
    const found = named.find(({ annotations }) => annotations[REF_NAME] === tag);
    if (found !== undefined) return await this.manifest(found.digest);
    const names = named.slice(0, 5).map(({ annotations }) => `"${clean(annotations[REF_NAME]!)}"`);
    throw new PullFailure(
      `"${this.#path}" has no image of the name "${tag}"; it has ${names.join(", ") || "no names"}`,
    );
  }

  /** A manifest by its digest. */
  async manifest(digest: string): Promise<FoundManifest> {
    return { bytes: await this.smallBlob(digest), mediaType: "", digest };
  }

  /** A small blob, whole and checked against its digest. */
  async smallBlob(digest: string): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await this.#small(blobPath(digest));
    const found = digestOf(bytes, digest.split(":")[0]!);
    if (found === digest) return bytes;
    throw new PullFailure(
      `digest mismatch: "${join(this.#path, blobPath(digest))}" has digest ${found}`,
    );
  }

  /** Copies a blob into the store, unless it is there. */
  async blob(
    { digest, size }: { readonly digest: string; readonly size: number },
    { bytesMax, signal }: { readonly bytesMax: number; readonly signal: AbortSignal },
  ): Promise<Blob> {
    const present = await this.#store.find(digest, size, signal);
    if (present !== undefined) return present;
    const path = join(this.#path, blobPath(digest));
    using file = await openRegular(path);
    return await this.#store.add({ digest, size, bytesMax, from: `"${path}"` }, async (sink) => {
      const buffer = new Uint8Array(DISK_BYTES);
      for (let n = await file.read(buffer); n !== null; n = await file.read(buffer)) {
        signal.throwIfAborted();
        await sink.write(buffer.subarray(0, n));
      }
    });
  }

  async #small(name: string): Promise<Uint8Array<ArrayBuffer>> {
    const path = join(this.#path, name);
    using file = await openRegular(path);
    try {
      const { size } = await file.stat();
      if (size > MANIFEST_BYTES_MAX) {
        throw new PullFailure(`"${path}" has ${size} bytes, more than ${MANIFEST_BYTES_MAX}`);
      }
      const bytes = new Uint8Array(size);
      let at = 0;
      for (let n: number | null = 0; at < size && n !== null; at += n ?? 0) {
        n = await file.read(bytes.subarray(at));
      }
      return bytes.subarray(0, at);
    } catch (error) {
      if (error instanceof PullFailure) throw error;
      throw new PullFailure(`"${path}" cannot be read (${messageOf(error)})`, { cause: error });
    }
  }
}

function blobPath(digest: string): string {
  if (!isDigest(digest)) throw new PullFailure(`"${clean(digest)}" is not a digest`);
  return `blobs/${digest.replace(":", "/")}`;
}

function digestOf(bytes: Uint8Array, algorithm: string): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}
