import { ERRNO } from "../../errno.ts";
import type { Kind } from "../../paths.ts";
import { Refusal } from "../../refusal.ts";
import type { Ground, Reach } from "./ground.ts";
import { isSamePath, lookAt } from "./look.ts";
import { node } from "./node.ts";
import { refusalOf } from "./node_error.ts";
import { Swapped } from "./swapped.ts";

/** `O_PATH` of Linux, on every machine that Deno runs on; `node:fs` does not name it. */
const O_PATH = 0o10000000;

/**
 * A directory by its descriptor, for a Linux where `/proc/self/fd` can be used. It stands in for the
 * `openat` that Deno does not have: `/proc/self/fd/N/name` goes through the very directory that is
 * open, wherever its name has gone, and each name on the way is opened without following a link. So
 * no race leads it astray.
 */
export class DescriptorGround implements Ground {
  readonly tight = true;
  readonly #fd: number;

  /** Takes an open directory over. */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /**
   * Opens a directory of this machine by a path of its own. Throws what `node:fs` throws, and
   * {@linkcode Refusal} with `loop` for an `exact` one with a link in its path.
   */
  static open(hostPath: string, { exact }: { readonly exact: boolean }): DescriptorGround {
    const { O_RDONLY, O_DIRECTORY } = node.fs.constants;
    const fd = node.fs.openSync(hostPath, O_RDONLY | O_DIRECTORY);
    try {
      if (exact) confirmPlace(fd, hostPath);
      return new DescriptorGround(fd);
    } catch (error) {
      node.fs.closeSync(fd);
      throw error;
    }
  }

  reach(): Reach {
    return new DescriptorReach(this.#fd);
  }

  descend(reach: Reach, parts: readonly string[]): Ground {
    const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = node.fs.constants;
    return new DescriptorGround(
      node.fs.openSync(reach.pathOf(parts), O_RDONLY | O_DIRECTORY | O_NOFOLLOW),
    );
  }

  close(): void {
    node.fs.closeSync(this.#fd);
  }
}

/**
 * True if this process may use `/proc/self/fd` in the way that {@linkcode DescriptorGround} does: that
 * takes Linux, a `/proc`, and all of Deno's permissions (with fewer, Deno resolves links by itself
 * before it opens anything).
 */
export function canReachByDescriptor(): boolean {
  if (Deno.build.os !== "linux") return false;
  let fd: number | undefined;
  try {
    fd = node.fs.openSync("/", node.fs.constants.O_DIRECTORY | O_PATH);
    return node.fs.readlinkSync(`/proc/self/fd/${fd}`) === "/" &&
      node.fs.lstatSync(`/proc/self/fd/${fd}/.`).isDirectory();
  } catch {
    return false;
  } finally {
    if (fd !== undefined) node.fs.closeSync(fd);
  }
}

/** The kernel tells where the very directory lies that is open, whichever way led to it. */
function confirmPlace(fd: number, hostPath: string): void {
  if (isSamePath(node.fs.readlinkSync(`/proc/self/fd/${fd}`), hostPath)) return;
  throw new Refusal(ERRNO.loop);
}

class DescriptorReach implements Reach {
  readonly #base: number;
  /** The directories between the base and the last name that was reached, all open. */
  readonly #way: { readonly name: string; readonly fd: number }[] = [];

  constructor(base: number) {
    this.#base = base;
  }

  look(parts: readonly string[]): Kind {
    return lookAt(this.pathOf(parts));
  }

  pathOf(parts: readonly string[]): string {
    const directory = this.#enter(parts.slice(0, -1));
    return `/proc/self/fd/${directory}/${parts.at(-1) ?? "."}`;
  }

  [Symbol.dispose](): void {
    this.#leave(0);
  }

  /** Opens the directories of this way that are not open yet, one in the other. */
  #enter(names: readonly string[]): number {
    const differing = names.findIndex((name, index) => this.#way[index]?.name !== name);
    this.#leave(differing === -1 ? names.length : differing);
    for (const name of names.slice(this.#way.length)) {
      this.#way.push({ name, fd: openDirectory(this.#last, name) });
    }
    return this.#last;
  }

  get #last(): number {
    return this.#way.at(-1)?.fd ?? this.#base;
  }

  #leave(depth: number): void {
    for (const { fd } of this.#way.splice(depth).reverse()) node.fs.closeSync(fd);
  }
}

function openDirectory(directory: number, name: string): number {
  const { O_DIRECTORY, O_NOFOLLOW } = node.fs.constants;
  try {
    const flags = O_PATH | O_DIRECTORY | O_NOFOLLOW;
    return node.fs.openSync(`/proc/self/fd/${directory}/${name}`, flags);
  } catch (error) {
    const refusal = refusalOf(error);
    // It was a directory when it was looked at.
    if (refusal === -ERRNO.notdir || refusal === -ERRNO.loop) throw new Swapped();
    throw error;
  }
}
