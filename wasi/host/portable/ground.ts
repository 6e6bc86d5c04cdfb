import { ERRNO } from "../../errno.ts";
import type { Kind } from "../../paths.ts";
import { Refusal } from "../../refusal.ts";
import { node } from "./node.ts";
import { identityOf, lookAt, lstat } from "./look.ts";

/** Where a directory stands on this machine, and how the names below it are reached. */
export interface Ground {
  /**
   * Nothing that was reached can be swapped for something else by then. Where it is not, what was
   * opened must be compared with what its name stands for.
   */
  readonly tight: boolean;
  /** Begins one use. Throws {@linkcode Refusal} if the directory is no longer what it was. */
  reach(): Reach;
  /** The ground of a directory below this one. Throws what `node:fs` throws. */
  descend(reach: Reach, parts: readonly string[]): Ground;
  close(): void;
}

/** One use of the names below a directory. */
export interface Reach extends Disposable {
  /** Tells what stands there, following nothing. All but the last part must be directories. */
  look(parts: readonly string[]): Kind;
  /** A path of this machine for it; of the directory itself without parts. */
  pathOf(parts: readonly string[]): string;
}

/**
 * A directory by its path: each use walks from the preopened root. Whoever swaps names at the same
 * time can lead it astray; comparing afterwards makes that rare, not impossible.
 */
export class PathGround implements Ground {
  readonly tight = false;
  readonly #root: string;
  readonly #parts: readonly string[];
  readonly #identity: string;

  readonly #exact: boolean;

  /**
   * Throws what `node:fs` throws if there is no such directory. That of an `exact` root may be swapped
   * for something else as well.
   */
  constructor(
    root: string,
    { parts = [], exact }: { readonly parts?: readonly string[]; readonly exact: boolean },
  ) {
    this.#root = root;
    this.#parts = parts;
    this.#exact = exact;
    this.#identity = identityOf(lstat(this.#base));
  }

  reach(): Reach {
    // A guest may have renamed this directory and put a link in its place. Links before the last
    // name do not matter: whichever way leads there, it is the same directory.
    const swappable = this.#exact || this.#parts.length > 0;
    if (swappable && identityOf(lstat(this.#base)) !== this.#identity) {
      throw new Refusal(ERRNO.stale);
    }
    const pathOf = (parts: readonly string[]): string => node.path.join(this.#base, ...parts);
    return { pathOf, look: (parts) => lookAt(pathOf(parts)), [Symbol.dispose](): void {} };
  }

  descend(_reach: Reach, parts: readonly string[]): Ground {
    return new PathGround(this.#root, { parts: [...this.#parts, ...parts], exact: this.#exact });
  }

  close(): void {}

  get #base(): string {
    return node.path.join(this.#root, ...this.#parts);
  }
}
