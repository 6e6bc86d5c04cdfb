import type { Answer, DirectoryEntry } from "../host.ts";
import { node } from "./node.ts";
import { filetypeOf } from "./portable_stat.ts";

const encoder = new TextEncoder();

/** The names of a directory at one moment. A cookie is a place in this list. */
export class Listing {
  readonly #hostPath: string;
  readonly #names: readonly string[];

  /** Throws what `node:fs` throws. */
  constructor(hostPath: string) {
    this.#hostPath = hostPath;
    this.#names = [".", "..", ...node.fs.readdirSync(hostPath)];
  }

  /** Visits the entries after `cookie` until told `false`. What has gone since is left out. */
  read(cookie: bigint, visit: (entry: DirectoryEntry) => boolean): Answer {
    for (let index = Number(cookie); index < this.#names.length; index++) {
      const name = this.#names[index]!;
      // The parent may be outside of what the guest may know: it looks like the directory itself.
      const path = node.path.join(this.#hostPath, name === ".." ? "." : name);
      const stats = node.fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
      if (stats === undefined) continue;
      const entry = {
        name: encoder.encode(name),
        ino: BigInt.asUintN(64, stats.ino),
        filetype: filetypeOf(stats),
        next: BigInt(index + 1),
      };
      if (!visit(entry)) break;
    }
    return 0;
  }
}
