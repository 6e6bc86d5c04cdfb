/**
 * What a guest sees of this machine's files, for the embedder's own code: the same folders, opened in
 * the same way, with the same containment. No path leads out of them, whatever links they hold.
 *
 * @module
 */
import type { Descriptor } from "../descriptors/descriptor.ts";
import { openDescriptors } from "../descriptors/open_descriptors.ts";
import type { DescriptorTable } from "../descriptors/table.ts";
import { ERRNO } from "../errno.ts";
import { FileStat } from "../host/file_stat.ts";
import { GuestPath } from "../host/guest_path.ts";
import type { Answer, HostDirectory, HostKind, Times } from "../host/host.ts";
import { openSystem } from "../host/open.ts";
import type { Preopen } from "../options.ts";
import { Refusal } from "../refusal.ts";
import { ViewError } from "./view_error.ts";
import { ViewFile } from "./view_file.ts";
import { kindOf, statOf, type ViewEntry, type ViewStat } from "./view_stat.ts";

/** What {@linkcode openView} opens. */
export interface ViewOptions {
  /** The folders; a path belongs to the one with the longest name that it begins with. */
  readonly preopens: readonly Preopen[];
  /** How to reach the operating system. @default {as `openHost` without a kind} */
  readonly host?: HostKind;
}

/** How {@linkcode View.open} opens a file. */
export interface ViewOpen {
  /** For writing, not for reading. @default false */
  readonly write?: boolean;
  /** Makes the file if there is none. @default false */
  readonly create?: boolean;
  /** Refuses a file that is there. Needs `create`. @default false */
  readonly exclusive?: boolean;
  /** Empties the file. @default false */
  readonly truncate?: boolean;
  /** Writes at the end. @default false */
  readonly append?: boolean;
  /** Follows a link at the end of the path. @default true */
  readonly follow?: boolean;
}

/** First number of the preopens in a guest's table: the standard streams are before them. */
const FIRST_PREOPEN = 3;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Opens the folders. Rejects with {@linkcode OptionsError} for one that cannot be opened; then nothing
 * stays open. Dispose of the view to close them.
 */
export async function openView({ preopens, host }: ViewOptions): Promise<View> {
  const system = await openSystem(host);
  return new View(openDescriptors(system, { preopens }), preopens);
}

/** One folder of the view. */
interface Mount {
  /** Without a slash at its end: empty for `/`. */
  readonly guestPath: string;
  readonly directory: HostDirectory;
  readonly readOnly: boolean;
}

/** A path, and the folder that it belongs to. */
interface Place {
  readonly mount: Mount;
  /** From that folder on; `.` for the folder itself. */
  readonly path: string;
}

/**
 * The files of a view. Paths are absolute, with `/` between their names; `.` and `..` in them are taken
 * out as text. All of it is synchronous, and what cannot be done throws {@linkcode ViewError}.
 */
export class View implements Disposable {
  readonly #table: DescriptorTable;
  /** Longest name first. */
  readonly #mounts: readonly Mount[];
  readonly #path = new GuestPath();
  readonly #stat = new FileStat();

  /** Use {@linkcode openView}. */
  constructor(table: DescriptorTable, preopens: readonly Preopen[]) {
    this.#table = table;
    this.#mounts = preopens.map(({ guestPath }, index) =>
      mountOf(guestPath, table.get(FIRST_PREOPEN + index))
    ).sort((a, b) => b.guestPath.length - a.guestPath.length);
  }

  /** What stands at a path. A link at its end is followed unless `follow` is false. */
  stat(path: string, { follow = true }: { readonly follow?: boolean } = {}): ViewStat {
    const place = this.#place(path);
    const out = this.#stat;
    this.#check(path, place.mount.directory.statAt(this.#guestPath(place), { follow, out }));
    return statOf(out);
  }

  /** The entries of a folder, in the file system's order, without `.` and `..`. Follows a last link. */
  *list(path: string): Generator<ViewEntry, void> {
    const directory = this.#openFolder(path);
    try {
      for (let cookie = 0n;;) {
        const batch: ViewEntry[] = [];
        this.#check(
          path,
          directory.readEntries(cookie, ({ bytes, nameStart, nameEnd, filetype, next }) => {
            const name = decoder.decode(bytes.subarray(nameStart, nameEnd));
            if (name !== "." && name !== "..") batch.push({ name, kind: kindOf(filetype) });
            cookie = next;
            return batch.length < LIST_BATCH;
          }),
        );
        if (batch.length === 0) return;
        yield* batch;
      }
    } finally {
      directory.close();
    }
  }

  /** Opens a file; a folder is refused with `isdir`. */
  open(path: string, options: ViewOpen = {}): ViewFile {
    const { write = false, create = false, truncate = false, append = false } = options;
    const place = this.#place(path, write || create || truncate);
    const opened = place.mount.directory.open(this.#guestPath(place), {
      read: !write,
      write,
      create,
      truncate,
      exclusive: options.exclusive ?? false,
      directory: false,
      follow: options.follow ?? true,
      flags: append ? FDFLAG_APPEND : 0,
    });
    if (typeof opened === "number") throw new ViewError(-opened, path);
    if (opened.type === "file") return new ViewFile(opened, path);
    opened.close();
    throw new ViewError(ERRNO.isdir, path);
  }

  /** Makes a folder. */
  makeFolder(path: string): void {
    this.#change(path, (directory, name) => directory.createDirectory(name));
  }

  /** Removes an empty folder. */
  removeFolder(path: string): void {
    this.#change(path, (directory, name) => directory.removeDirectory(name));
  }

  /** Removes a file or a link. */
  unlink(path: string): void {
    this.#change(path, (directory, name) => directory.unlink(name));
  }

  /** Gives a file, folder or link another name; `xdev` if that is in another folder of the view. */
  rename(from: string, to: string): void {
    const source = this.#place(from, true);
    const target = this.#place(to, true);
    const { directory } = target.mount;
    const answer = source.mount.directory.rename(source.path, { directory, path: target.path });
    this.#check(from, answer);
  }

  /** Gives a file a second name. */
  link(from: string, to: string): void {
    const source = this.#place(from, true);
    const target = this.#place(to, true);
    const { directory } = target.mount;
    this.#check(to, source.mount.directory.link(source.path, { directory, path: target.path }));
  }

  /** Makes a link; `perm` for an absolute target, which would lead out, as for a guest. */
  symlink(target: string, path: string): void {
    if (target.startsWith("/")) throw new ViewError(ERRNO.perm, path);
    if (target.includes("\0")) throw new ViewError(ERRNO.inval, path);
    this.#change(path, (directory, name) => directory.symlink(target, name));
  }

  /** Where a link leads. */
  readlink(path: string): string {
    const place = this.#place(path);
    const target = place.mount.directory.readlink(place.path);
    if (typeof target === "number") throw new ViewError(-target, path);
    return decoder.decode(target);
  }

  /** Sets the times of what stands at a path. Follows a last link unless `follow` is false. */
  setTimes(path: string, { follow = true, ...times }: Times & { readonly follow?: boolean }): void {
    this.#change(path, (directory, name) => directory.setTimesAt(name, { follow, times }));
  }

  /** Closes the folders. */
  [Symbol.dispose](): void {
    this.#table.closeAll();
  }

  #openFolder(path: string): HostDirectory {
    const place = this.#place(path);
    const opened = place.mount.directory.open(this.#guestPath(place), FOLDER);
    if (typeof opened === "number") throw new ViewError(-opened, path);
    if (opened.type === "directory") return opened;
    opened.close();
    throw new ViewError(ERRNO.notdir, path);
  }

  #change(path: string, change: (directory: HostDirectory, name: string) => Answer): void {
    const place = this.#place(path, true);
    this.#check(path, change(place.mount.directory, place.path));
  }

  /** Refused with `rofs` if something is to change in a folder that is read-only. */
  #place(path: string, changes = false): Place {
    if (path.includes("\0")) throw new ViewError(ERRNO.inval, path);
    const whole = normalized(path);
    const mount = this.#mounts.find(({ guestPath }) =>
      whole === guestPath || whole.startsWith(`${guestPath}/`)
    );
    if (mount === undefined) throw new ViewError(ERRNO.noent, path);
    if (changes && mount.readOnly) throw new ViewError(ERRNO.rofs, path);
    const place = { mount, path: whole.slice(mount.guestPath.length + 1) || "." };
    this.#read(place.path, path); // the guest's own bounds, for hosts that take text as well
    return place;
  }

  #guestPath({ path }: Place): GuestPath {
    return this.#read(path, path);
  }

  #read(path: string, told: string): GuestPath {
    const bytes = encoder.encode(path);
    try {
      this.#path.read(bytes, 0, bytes.length);
    } catch (error) {
      if (error instanceof Refusal) throw new ViewError(error.errno, told);
      throw error;
    }
    return this.#path;
  }

  #check(path: string, answer: Answer): void {
    if (answer < 0) throw new ViewError(-answer, path);
  }
}

/** Entries that are read at once: a folder may have millions. */
const LIST_BATCH = 256;
/** `append` of WASI's `fdflags`. */
const FDFLAG_APPEND = 1;

const FOLDER = {
  read: true,
  write: false,
  create: false,
  truncate: false,
  exclusive: false,
  directory: true,
  follow: true,
  flags: 0,
} as const;

function mountOf(name: string, { directory, readOnly }: Descriptor): Mount {
  if (directory === undefined) throw new TypeError("Cannot find the folder of a preopen");
  return { guestPath: normalized(name).replace(/\/$/, ""), directory, readOnly };
}

/** Without empty names, `.` and `..`, from `/` on; `/` itself is empty but for its slash. */
function normalized(path: string): string {
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return `/${names.join("/")}`;
}
