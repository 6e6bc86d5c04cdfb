import type { Library } from "./library.ts";
import { Polling } from "./polling.ts";
import type { Resolve } from "./resolver.ts";
import { Stat } from "./stat.ts";
import { Transfers } from "./transfers.ts";

/** What the files and directories of one host share. */
export class LibcSystem {
  readonly library: Library;
  readonly stat: Stat;
  readonly resolve: Resolve;
  readonly transfers: Transfers;
  readonly polling: Polling;

  constructor(library: Library, resolve: Resolve) {
    this.library = library;
    this.stat = new Stat(library);
    this.resolve = resolve;
    this.transfers = new Transfers(library);
    this.polling = new Polling(library);
  }
}
