/**
 * Keeps processes that share one store out of each other's way.
 *
 * Whoever uses the store holds `<dir>/users.lock` shared; only who holds it alone may remove something.
 * Whoever changes the index holds `<dir>/index.lock` for that moment. Both are the system's own locks,
 * which end with their process, however that ends.
 *
 * @module
 */
import { join } from "node:path";
import { sleep } from "../../time.ts";
import { PullFailure } from "../oci/failure.ts";
import { LOCK_MS_MAX } from "../limits.ts";

/** How long to wait before a lock is tried again. */
const LOCK_RETRY_MS = 5;

/** The locks of one process on one store. */
export class StoreLock implements Disposable {
  readonly #dir: string;
  readonly #waitMs: number;
  #users: Deno.FsFile | undefined;
  #taking: Promise<void> = Promise.resolve();

  /** `waitMs` is how long another process may hold a lock that is wanted here. */
  constructor(dir: string, waitMs = LOCK_MS_MAX) {
    this.#dir = dir;
    this.#waitMs = waitMs;
  }

  /** Tells other processes that the store is in use, from now on until {@linkcode close}. */
  async use(): Promise<void> {
    await this.#inTurn(() => this.#share());
  }

  /**
   * Does the work if no other process uses the store, and keeps others from beginning meanwhile.
   * Returns `"shared"`, without having done it, if one does.
   */
  async alone<T>(work: () => Promise<T>): Promise<T | "shared"> {
    return await this.#inTurn(async () => {
      await this.#share();
      // The lock is not raised in place: systems give it up first, and may then not give it back. It ends
      // with its file: to unlock one that has no lock is an error on Windows.
      this.close();
      try {
        using file = await openLock(this.#dir, "users.lock");
        return await file.tryLock(true) ? await work() : "shared";
      } finally {
        await this.#share();
      }
    });
  }

  /** Does the work while no other process changes the index. */
  async changing<T>(work: () => Promise<T>): Promise<T> {
    using file = await openLock(this.#dir, "index.lock");
    await this.#take(file, true);
    return await work();
  }

  /** Lets others remove what is not needed. */
  close(): void {
    this.#users?.close();
    this.#users = undefined;
  }

  /** The same as {@linkcode close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  async #share(): Promise<void> {
    if (this.#users !== undefined) return;
    const file = await openLock(this.#dir, "users.lock");
    try {
      await this.#take(file, false);
    } catch (error) {
      file.close();
      throw error;
    }
    this.#users = file;
  }

  /** Tries again and again: a call that blocks could not be given up. */
  async #take(file: Deno.FsFile, exclusive: boolean): Promise<void> {
    const untilMs = performance.now() + this.#waitMs;
    while (!await file.tryLock(exclusive)) {
      if (performance.now() > untilMs) {
        const seconds = this.#waitMs / 1000;
        throw new PullFailure(
          `another process has held "${this.#dir}" for ${seconds} s; is one stuck?`,
          { retry: true },
        );
      }
      await sleep(LOCK_RETRY_MS);
    }
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#taking.then(work);
    this.#taking = turn.then(() => {}, () => {});
    return await turn;
  }
}

async function openLock(dir: string, name: string): Promise<Deno.FsFile> {
  await Deno.mkdir(dir, { recursive: true, mode: 0o700 });
  return await Deno.open(join(dir, name), { create: true, write: true, mode: 0o600 });
}
