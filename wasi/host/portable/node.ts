import type * as Dgram from "node:dgram";
import type * as Fs from "node:fs";
import type * as Net from "node:net";
import type * as Path from "node:path";
import type Process from "node:process";

/** What the portable host uses of Node's library. */
class Node {
  /** Loads what every guest needs now. */
  load(): void {
    void [this.fs, this.path];
  }

  #fs: typeof Fs | undefined;
  #path: typeof Path | undefined;
  #net: typeof Net | undefined;
  #dgram: typeof Dgram | undefined;

  get fs(): typeof Fs {
    return this.#fs ??= this.process.getBuiltinModule("node:fs");
  }

  get path(): typeof Path {
    return this.#path ??= this.process.getBuiltinModule("node:path");
  }

  get net(): typeof Net {
    return this.#net ??= this.process.getBuiltinModule("node:net");
  }

  get dgram(): typeof Dgram {
    return this.#dgram ??= this.process.getBuiltinModule("node:dgram");
  }

  get process(): typeof Process {
    return globalThis.process;
  }
}

/**
 * Node's library, loaded when it is first used. An `import` would load it in each guest process, with
 * the libc host as well: 20 ms of processor time and 5 MiB, and a bundler moves it to the top again
 * when it is written as a dynamic one.
 */
export const node = new Node();
