/**
 * The records of all pods on disk, one small JSON file each, written beside and renamed.
 *
 * @module
 */
import { namesIn } from "../files.ts";
import type { PodRecord } from "./record.ts";

const FILE = "pod.json";

/**
 * The points between which an agent may die while it saves: nothing is done; the new record lies beside
 * the old one; it is in its place.
 */
export type SavePoint = "begun" | "beside" | "in place";

/** Reads and writes `<podsDir>/<uid>/pod.json`. */
export class RecordStore {
  readonly #podsDir: string;
  readonly #onTrouble: (message: string) => void;
  readonly #onPoint: (point: SavePoint, uid: string) => void;

  /**
   * @param onTrouble told of a file that cannot be read or written; the pod goes on without it.
   * @param options `onPoint` is called at each point, for tests that end the agent there.
   */
  constructor(
    podsDir: string,
    onTrouble: (message: string) => void,
    options: { readonly onPoint?: (point: SavePoint, uid: string) => void } = {},
  ) {
    this.#podsDir = podsDir;
    this.#onTrouble = onTrouble;
    this.#onPoint = options.onPoint ?? ((): void => {});
  }

  /** The record of this pod, or `undefined` if there is none that can be read. */
  async load(uid: string): Promise<PodRecord | undefined> {
    const path = this.#path(uid);
    try {
      const record: unknown = JSON.parse(await Deno.readTextFile(path));
      if (isRecord(record, uid)) return record;
      this.#onTrouble(`Cannot use pod record "${path}": it is not of version 1 or of another pod`);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      this.#onTrouble(`Cannot read pod record "${path}": ${error}`);
    }
    // Kept aside for people to look at; what the cluster remembers is used in its place.
    await Deno.rename(path, `${path}.bad`).catch(() => {});
    return undefined;
  }

  /**
   * Writes a record. When this resolves, a killed agent finds it again.
   *
   * A write that fails (disk full) is told and not thrown: running guests matter more.
   */
  async save(uid: string, json: string): Promise<void> {
    const path = this.#path(uid);
    this.#onPoint("begun", uid);
    try {
      await this.#write(uid, json);
      this.#onPoint("beside", uid);
      await Deno.rename(`${path}.new`, path);
      this.#onPoint("in place", uid);
    } catch (error) {
      this.#onTrouble(`Cannot write pod record "${path}": ${error}`);
    }
  }

  // The folder is there, but for the first time: looking before each write would cost as much again.
  async #write(uid: string, json: string): Promise<void> {
    const path = `${this.#path(uid)}.new`;
    try {
      await Deno.writeTextFile(path, json, { mode: 0o600 });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      await Deno.mkdir(`${this.#podsDir}/${uid}`, { recursive: true, mode: 0o700 });
      await Deno.writeTextFile(path, json, { mode: 0o600 });
    }
  }

  /** The UIDs of all pods that have a folder. */
  uids(): Promise<string[]> {
    return namesIn(this.#podsDir);
  }

  #path(uid: string): string {
    return `${this.#podsDir}/${uid}/${FILE}`;
  }
}

function isRecord(value: unknown, uid: string): value is PodRecord {
  if (typeof value !== "object" || value === null) return false;
  const record = value as Partial<PodRecord>;
  return record.version === 1 && record.uid === uid && typeof record.containers === "object";
}
