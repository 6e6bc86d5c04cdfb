/**
 * What the node itself asks for names, read again when its file changes.
 *
 * @module
 */
import { parseResolvConf, type ResolvConf } from "./resolv_conf.ts";

/** A file is looked at again after so long. */
export const LOOK_AGAIN_MS = 5_000;
/** Larger files are no such file. */
const FILE_BYTES_MAX = 256 * 1024;

/** Reads the node's file, as often as it is asked and no more often than that is worth. */
export class NodeDns {
  readonly #path: string;
  readonly #now: () => number;
  #conf: Promise<ResolvConf> | undefined;
  #untilMs = 0;

  /** An empty path stands for a server on the machine itself, as for a kubelet. */
  constructor(
    path: string,
    { now = () => performance.now() }: { readonly now?: () => number } = {},
  ) {
    this.#path = path;
    this.#now = now;
  }

  /** What is in the file; nothing if there is none, so that the machine is asked by its own means. */
  async read(): Promise<ResolvConf> {
    if (this.#path === "") return { nameservers: ["127.0.0.1"], searches: ["."], options: [] };
    if (this.#conf === undefined || this.#now() >= this.#untilMs) {
      this.#untilMs = this.#now() + LOOK_AGAIN_MS;
      this.#conf = readFile(this.#path);
    }
    return await this.#conf;
  }
}

async function readFile(path: string): Promise<ResolvConf> {
  try {
    const { size, isFile } = await Deno.stat(path);
    if (isFile && size <= FILE_BYTES_MAX) return parseResolvConf(await Deno.readTextFile(path));
  } catch {
    // Systems without such a file have other ways.
  }
  return { nameservers: [], searches: [], options: [] };
}
