/**
 * Makes OCI image layouts, in folders and in archives.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { CNCF_CONFIG, CNCF_LAYER, OCI_INDEX, OCI_MANIFEST } from "../oci/media_types.ts";
import { digestOf } from "../oci/reading.ts";
import { entry, type RawEntry, tarOf } from "./_test_tar.ts";

const encode = (body: unknown): Uint8Array<ArrayBuffer> =>
  new TextEncoder().encode(JSON.stringify(body));

/** What a descriptor needs besides its size. */
export interface Named {
  readonly digest: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The files of a layout by name; they may be changed before they are written. */
export class TestLayout {
  readonly files = new Map<string, Uint8Array>();

  constructor() {
    this.files.set("oci-layout", encode({ imageLayoutVersion: "1.0.0" }));
    this.index();
  }

  /** Adds a blob, and answers its descriptor. */
  blob(
    bytes: Uint8Array,
    mediaType: string,
  ): { mediaType: string; digest: string; size: number } {
    const digest = digestOf(bytes);
    this.files.set(`blobs/${digest.replace(":", "/")}`, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  /** Adds the CNCF's artifact of this module, and answers its manifest's digest. */
  artifact(module: Uint8Array): string {
    const manifest = {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: this.blob(encode({ os: "wasip1", architecture: "wasm" }), CNCF_CONFIG),
      layers: [this.blob(module, CNCF_LAYER)],
    };
    return this.blob(encode(manifest), OCI_MANIFEST).digest;
  }

  /** Names these manifests in the index, in place of those of before; answers its digest. */
  index(...named: readonly Named[]): string {
    const manifests = named.map(({ digest, annotations }) => {
      const size = this.files.get(`blobs/${digest.replace(":", "/")}`)!.length;
      return { mediaType: OCI_MANIFEST, digest, size, annotations };
    });
    const bytes = encode({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });
    this.files.set("index.json", bytes);
    return digestOf(bytes);
  }

  /** Writes a folder. */
  async writeFolder(path: string): Promise<void> {
    for (const [name, bytes] of this.files) {
      await Deno.mkdir(dirname(join(path, name)), { recursive: true });
      await Deno.writeFile(join(path, name), bytes);
    }
  }

  /** The entries of an archive, as container tools write them. */
  entries(): RawEntry[] {
    const files = [...this.files].map(([name, body]) => ({ name, body }));
    return [entry.folder("blobs/"), entry.folder("blobs/sha256/"), ...files];
  }

  /** Writes an archive; of other entries if they are given. */
  async writeArchive(path: string, entries: readonly RawEntry[] = this.entries()): Promise<void> {
    await Deno.writeFile(path, tarOf(...entries));
  }
}
