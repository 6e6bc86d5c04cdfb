/**
 * From a stream of versions to one worker per object.
 *
 * Objects are told apart by UID: one that comes again under an old name is another object, and
 * both may be at work for a while. The newest version wins; versions in between are skipped.
 *
 * @module
 */
import type { KubeObject } from "../api/types.ts";
import { Latest } from "./latest.ts";

/** What a worker is given: the newest version, and the news that the object is no more. */
export interface Assignment<T> {
  /** The object's UID. */
  readonly uid: string;
  /** The newest version that was applied, and news of the next. */
  readonly latest: Latest<T>;
  /** Aborted when the API server no longer has the object. */
  readonly gone: AbortSignal;
}

/** The life of one object. It settles when there is nothing left to do for it. */
export type Work<T> = (assignment: Assignment<T>) => Promise<void>;

interface Entry<T> {
  readonly latest: Latest<T>;
  readonly gone: AbortController;
  readonly done: Promise<void>;
  ended: boolean;
}

/** Options of a {@linkcode Controller}. */
export interface ControllerOptions<T> {
  /** Started once for each UID. */
  readonly work: Work<T>;
  /** Told when a worker throws, which is a defect of the worker. */
  readonly onDefect: (object: T, error: unknown) => void;
}

/** Runs one worker for each object, from its first version until the object is gone. */
export class Controller<T extends KubeObject> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #options: ControllerOptions<T>;

  /** No worker starts before {@linkcode apply} or {@linkcode sync}. */
  constructor(options: ControllerOptions<T>) {
    this.#options = options;
  }

  /** The newest versions of all objects that are known. */
  objects(): T[] {
    return [...this.#entries.values()].map((entry) => entry.latest.value);
  }

  /** True if an object with this UID is known. */
  has(uid: string): boolean {
    return this.#entries.has(uid);
  }

  /** Takes a new or newer version. */
  apply(object: T): void {
    const uid = uidOf(object);
    const entry = this.#entries.get(uid);
    if (entry !== undefined) return entry.latest.set(object);
    const latest = new Latest(object);
    const gone = new AbortController();
    const fresh: Entry<T> = {
      latest,
      gone,
      ended: false,
      done: this.#options.work({ uid, latest, gone: gone.signal })
        .catch((error) => this.#options.onDefect(latest.value, error))
        .then(() => this.#ended(uid)),
    };
    this.#entries.set(uid, fresh);
  }

  /** Learns that an object is no more. */
  remove(object: T): void {
    this.#removeUid(uidOf(object));
  }

  /** Learns everything there is: applies what is listed and removes what is not. */
  sync(objects: readonly T[]): void {
    const listed = new Set(objects.map(uidOf));
    for (const uid of [...this.#entries.keys()]) if (!listed.has(uid)) this.#removeUid(uid);
    for (const object of objects) this.apply(object);
  }

  /** Settles when the worker of this object has ended; at once if there is none. */
  async ended(object: T): Promise<void> {
    await this.#entries.get(uidOf(object))?.done;
  }

  /** Settles when every worker has ended. Nothing new may be applied meanwhile. */
  async idle(): Promise<void> {
    await Promise.all([...this.#entries.values()].map((entry) => entry.done));
  }

  #removeUid(uid: string): void {
    const entry = this.#entries.get(uid);
    if (entry === undefined) return;
    entry.gone.abort();
    if (entry.ended) this.#entries.delete(uid);
  }

  // An object whose worker has ended is remembered until it is gone, so that it never starts again.
  #ended(uid: string): void {
    const entry = this.#entries.get(uid);
    if (entry === undefined) return;
    entry.ended = true;
    if (entry.gone.signal.aborted) this.#entries.delete(uid);
  }
}

function uidOf(object: KubeObject): string {
  const uid = object.metadata?.uid;
  if (uid === undefined) {
    throw new TypeError(`Cannot follow object "${object.metadata?.name}": it has no uid`);
  }
  return uid;
}
