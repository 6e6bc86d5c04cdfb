import { FILETYPE, RIGHTS_DIRECTORY } from "../abi.ts";
import { ERRNO } from "../errno.ts";
import type { Answer, FileStat, HostDirectory, Times } from "../host/host.ts";
import { Descriptor } from "./descriptor.ts";

/** How {@linkcode DirectoryDescriptor} was opened. */
export interface DirectoryDescriptorOptions {
  readonly rights: number;
  readonly inheriting: number;
  readonly readOnly: boolean;
  readonly preopenName?: Uint8Array;
}

/** An open directory: what the guest's paths are relative to. */
export class DirectoryDescriptor extends Descriptor {
  override readonly filetype = FILETYPE.directory;
  readonly #directory: HostDirectory;
  readonly #options: DirectoryDescriptorOptions;

  constructor(directory: HostDirectory, options: DirectoryDescriptorOptions) {
    super(options.rights & RIGHTS_DIRECTORY, options.inheriting);
    this.#directory = directory;
    this.#options = options;
  }

  override get directory(): HostDirectory {
    return this.#directory;
  }

  override get readOnly(): boolean {
    return this.#options.readOnly;
  }

  override get preopenName(): Uint8Array | undefined {
    return this.#options.preopenName;
  }

  override read(): Answer {
    return -ERRNO.isdir;
  }

  override pread(): Answer {
    return -ERRNO.isdir;
  }

  override setFlags(flags: number): Answer {
    return flags === 0 ? 0 : -ERRNO.notsup;
  }

  override setTimes(times: Times): Answer {
    return this.#directory.setTimes(times);
  }

  override sync(dataOnly: boolean): Answer {
    return this.#directory.sync(dataOnly);
  }

  override stat(out: FileStat): Answer {
    return this.#directory.stat(out);
  }

  override close(): Answer {
    return this.#directory.close();
  }
}
