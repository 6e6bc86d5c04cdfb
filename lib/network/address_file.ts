/**
 * The file in which addresses outlive the agent.
 *
 * @module
 */
import { messageOf } from "../errors.ts";
import type { AddressPage, GivenAddresses } from "./address_book.ts";

/** What the file holds. */
export interface AddressFileContent extends AddressPage {
  readonly version: 1;
  /** The cluster's ranges that the addresses are of; none if they are of others. */
  readonly ranges: readonly string[];
  /** The range that names the block of loopback addresses. @default {there was none} */
  readonly block?: string;
}

/** A file that is larger is none of ours: 65,534 pods with three addresses need less. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;

/** Reads and writes one file; writes that come together are one. */
export class AddressFile {
  readonly #path: string;
  readonly #onTrouble: (message: string) => void;
  #writing: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  /** @param onTrouble told of what cannot be read or written; pods go on without it. */
  constructor(path: string, onTrouble: (message: string) => void) {
    this.#path = path;
    this.#onTrouble = onTrouble;
  }

  /** What was written last; undefined if there is nothing that can be read. A bad file is put aside. */
  async read(): Promise<AddressFileContent | undefined> {
    try {
      const { size } = await Deno.stat(this.#path);
      if (size > FILE_BYTES_MAX) throw new Error(`it has ${size} bytes`);
      const content: unknown = JSON.parse(await Deno.readTextFile(this.#path));
      if (isContent(content)) return content;
      throw new Error("it is not of version 1");
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      this.#onTrouble(
        `Cannot use file "${this.#path}", pods get new addresses: ${messageOf(error)}`,
      );
    }
    await Deno.rename(this.#path, `${this.#path}.bad`).catch(() => {});
    return undefined;
  }

  /** Writes what `content` answers then; when this resolves, a killed agent finds that or what is newer. */
  async write(content: () => AddressFileContent): Promise<void> {
    if (this.#writing === undefined) {
      this.#writing = this.#writeOnce(content).finally(() => this.#writing = undefined);
      return await this.#writing;
    }
    // What is being written was described before this call.
    this.#next ??= this.#writing.then(() => {
      this.#next = undefined;
      return this.write(content);
    });
    await this.#next;
  }

  async #writeOnce(content: () => AddressFileContent): Promise<void> {
    const beside = `${this.#path}.new`;
    try {
      await Deno.writeTextFile(beside, JSON.stringify(content()), { mode: 0o600 });
      await Deno.rename(beside, this.#path);
    } catch (error) {
      this.#onTrouble(`Cannot write file "${this.#path}": ${messageOf(error)}`);
    }
  }
}

function isContent(value: unknown): value is AddressFileContent {
  if (!isRecord(value) || value["version"] !== 1) return false;
  const { pods, resting, ranges, block } = value;
  return isRecord(pods) && Object.values(pods).every(isGiven) && Array.isArray(resting) &&
    resting.every(isResting) && areTexts(ranges) &&
    (block === undefined || typeof block === "string");
}

function isGiven(value: unknown): value is GivenAddresses {
  return isRecord(value) && areTexts(value["podIPs"]) &&
    (value["loopback"] === undefined || typeof value["loopback"] === "string");
}

function isResting(value: unknown): boolean {
  return isRecord(value) && typeof value["ip"] === "string" && typeof value["sinceMs"] === "number";
}

function areTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === "string");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
