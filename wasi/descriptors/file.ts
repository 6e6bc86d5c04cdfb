import { FDFLAG, FILETYPE, RIGHTS_FILE, RIGHTS_STREAM, RIGHTS_WRITING } from "../abi.ts";
import { RIGHT } from "../abi.ts";
import { ERRNO } from "../errno.ts";
import type { Answer, Eventual, FileStat, HostFile, Times } from "../host/host.ts";
import type { Vectors } from "../memory.ts";
import { Descriptor, type Readiness } from "./descriptor.ts";

const FLAGS_CHANGEABLE = FDFLAG.append | FDFLAG.nonblock;

/** How {@linkcode FileDescriptor} was opened. */
export interface FileDescriptorOptions {
  readonly read: boolean;
  readonly write: boolean;
  /** The rights that its directory passes on, or all of them. */
  readonly rights: number;
  /** WASI's `fdflags`. */
  readonly flags: number;
  readonly readOnly: boolean;
}

/** An open file, pipe or device of the host. */
export class FileDescriptor extends Descriptor {
  readonly #file: HostFile;
  readonly #readOnly: boolean;

  constructor(file: HostFile, options: FileDescriptorOptions) {
    super(rightsOf(file, options), 0);
    this.#file = file;
    this.#readOnly = options.readOnly;
    this.flags = options.flags;
  }

  /** What it reads and writes. */
  get file(): HostFile {
    return this.#file;
  }

  override get filetype(): number {
    return this.#file.filetype;
  }

  override get readOnly(): boolean {
    return this.#readOnly;
  }

  override read(into: Vectors): Eventual {
    return (this.rights & RIGHT.fdRead) === 0 ? -ERRNO.badf : this.#file.read(into);
  }

  override write(from: Vectors): Eventual {
    return (this.rights & RIGHT.fdWrite) === 0 ? -ERRNO.badf : this.#file.write(from);
  }

  override pread(into: Vectors, offset: bigint): Answer {
    return (this.rights & RIGHT.fdRead) === 0 ? -ERRNO.badf : this.#file.pread(into, offset);
  }

  override pwrite(from: Vectors, offset: bigint): Answer {
    return (this.rights & RIGHT.fdWrite) === 0 ? -ERRNO.badf : this.#file.pwrite(from, offset);
  }

  override seek(offset: number, whence: number): Answer {
    return this.#file.seek(offset, whence);
  }

  override setSize(size: number): Answer {
    return this.#file.setSize(size);
  }

  override allocate(offset: number, length: number): Answer {
    return this.#file.allocate(offset, length);
  }

  override advise(offset: number, length: number, advice: number): Answer {
    return this.#file.advise(offset, length, advice);
  }

  override setFlags(flags: number): Answer {
    const fixed = ~FLAGS_CHANGEABLE;
    if ((flags & fixed) !== (this.flags & fixed)) return -ERRNO.notsup;
    const answer = this.#file.setFlags(flags);
    if (answer >= 0) this.flags = flags;
    return answer;
  }

  override setTimes(times: Times): Answer {
    return this.#file.setTimes(times);
  }

  override sync(dataOnly: boolean): Answer {
    return this.#file.sync(dataOnly);
  }

  override stat(out: FileStat): Answer {
    return this.#file.stat(out);
  }

  override readiness(): Readiness {
    return { ready: false, file: this.#file };
  }

  override close(): Answer {
    return this.#file.close();
  }
}

function rightsOf(file: HostFile, options: FileDescriptorOptions): number {
  const access = (options.read ? RIGHT.fdRead : 0) | (options.write ? RIGHTS_WRITING : 0);
  const kind = file.filetype === FILETYPE.regularFile ? RIGHTS_FILE : RIGHTS_STREAM | access;
  return kind & options.rights & (~(RIGHT.fdRead | RIGHTS_WRITING) | access);
}
