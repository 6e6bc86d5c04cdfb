import { DirectoryEntry } from "../directory_entry.ts";
import type { Answer } from "../host.ts";
import { ERRNO } from "../../errno.ts";
import { Refusal } from "../../refusal.ts";
import { lstat } from "./look.ts";
import { node } from "./node.ts";
import { filetypeOf } from "./portable_stat.ts";

const encoder = new TextEncoder();

/** The names of a directory at one moment. A cookie is a place in this list. */
export class Listing {
  readonly #hostPath: string;
  readonly #names: readonly string[];

  /** Throws what `node:fs` throws, and a `Refusal` if the directory is gone. */
  constructor(hostPath: string) {
    this.#hostPath = hostPath;
    // A directory that was removed while it was open has no entries left, not even its own.
    const windows = Deno.build.os === "windows";
    if (!windows && lstat(hostPath).nlink === 0n) throw new Refusal(ERRNO.noent);
    this.#names = [".", "..", ...node.fs.readdirSync(hostPath)];
  }

  /** Visits the entries after `cookie` until told `false`. What has gone since is left out. */
  read(cookie: bigint, visit: (entry: DirectoryEntry) => boolean): Answer {
    const entry = new DirectoryEntry();
    for (let index = Number(cookie); index < this.#names.length; index++) {
      const name = this.#names[index]!;
      // The parent may be outside of what the guest may know: it looks like the directory itself.
      const itself = name === "." || name === "..";
      const path = itself ? this.#hostPath : node.path.join(this.#hostPath, name);
      const stats = node.fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
      if (stats === undefined) continue;
      entry.bytes = encoder.encode(name);
      entry.nameEnd = entry.bytes.length;
      entry.ino = stats.ino;
      entry.filetype = filetypeOf(stats);
      entry.next = BigInt(index + 1);
      if (!visit(entry)) break;
    }
    return 0;
  }
}
