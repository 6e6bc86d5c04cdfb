/**
 * Small deeds with files that the runtime leaves to its callers.
 *
 * @module
 */

/** Removals under way at once: three times as fast as one by one, and few for the machine. */
const REMOVALS_MAX = 32;
/** Rounds before a folder that does not become empty is given up: somebody is filling it. */
const ROUNDS_MAX = 3;

/**
 * Removes a file or a folder with all that is in it; one that is not there is fine. Links are
 * removed, never followed, and folders that forbid it are opened up first.
 *
 * Works at any depth: a guest can nest folders deeper than the longest path, and deeper than the
 * runtime's own recursive removal has stack for, which would end the agent. Nobody else may write
 * to the folder meanwhile.
 *
 * @throws What the system says, if it refuses; what is left can be given to this function again.
 */
export async function removeTree(path: string): Promise<void> {
  for (let round = 1; !await isGone(path); round++) {
    if (round > ROUNDS_MAX) {
      throw new Error(`Cannot remove folder "${path}": it does not become empty; try again later`);
    }
    await new Emptying(path).run();
  }
}

/** The names in a folder; none if there is no such folder. */
export async function namesIn(path: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(path)) names.push(name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return names;
}

/**
 * Empties a folder. What is below its own folders is moved up into it, so that no path becomes
 * longer than two names; and what is left after a crash is still inside.
 */
class Emptying {
  readonly #root: string;
  readonly #prefix = `.removing-${crypto.randomUUID().slice(0, 8)}-`;
  readonly #folders: string[] = [];
  #moves = 0;

  constructor(root: string) {
    this.#root = root;
  }

  async run(): Promise<void> {
    await this.#clear(this.#root);
    for (let folder = this.#folders.pop(); folder !== undefined; folder = this.#folders.pop()) {
      await this.#clear(folder);
      await isGone(folder);
    }
  }

  /** Takes everything out of a folder; where its rights are in the way, they are changed. */
  async #clear(folder: string): Promise<void> {
    try {
      await this.#clearOnce(folder);
    } catch (error) {
      if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
      await openUp(folder);
      await this.#clearOnce(folder);
    }
  }

  async #clearOnce(folder: string): Promise<void> {
    const names = await namesIn(folder);
    for (let at = 0; at < names.length; at += REMOVALS_MAX) {
      const some = names.slice(at, at + REMOVALS_MAX);
      // All are waited for, so that nothing goes on when the first failure is thrown.
      const results = await Promise.allSettled(some.map((name) => this.#takeOut(folder, name)));
      const failed = results.find((result) => result.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    }
  }

  async #takeOut(folder: string, name: string): Promise<void> {
    const path = `${folder}/${name}`;
    if (await isGone(path)) return;
    if (folder === this.#root) {
      this.#folders.push(path);
      return;
    }
    const moved = `${this.#root}/${this.#prefix}${this.#moves++}`;
    try {
      await Deno.rename(path, moved);
      this.#folders.push(moved);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

/** Removes a file, a link or an empty folder; false for a folder that is not empty. */
async function isGone(path: string): Promise<boolean> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOTEMPTY") return false;
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return true;
}

/** Lets this user list and change a folder, and move the folders in it. */
async function openUp(folder: string): Promise<void> {
  try {
    await Deno.chmod(folder, 0o700);
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (isDirectory) await Deno.chmod(`${folder}/${name}`, 0o700);
    }
  } catch {
    // Not ours: the next try says what is in the way.
  }
}
