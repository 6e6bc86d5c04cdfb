import { FILETYPE } from "../abi.ts";
import type { FileStat } from "../host/file_stat.ts";

/** What stands at a path. */
export type ViewKind = "file" | "folder" | "link" | "other";

/** An entry of a folder. */
export interface ViewEntry {
  /** What of it is no UTF-8 is replaced; such a name opens nothing, as for a guest. */
  readonly name: string;
  /** What it names; `other` also where the file system does not say. */
  readonly kind: ViewKind;
}

/** What is known of a file, folder or link. */
export interface ViewStat {
  /** What it is. */
  readonly kind: ViewKind;
  /** Its size. */
  readonly bytes: number;
  /** Nanoseconds since 1970. */
  readonly mtimeNs: bigint;
  /** Nanoseconds since 1970. */
  readonly atimeNs: bigint;
  /** Nanoseconds since 1970. */
  readonly ctimeNs: bigint;
  /** Names that it has. */
  readonly links: number;
  /** The file system that it is on. */
  readonly device: bigint;
  /** Its number there: with `device`, the same by whatever name. */
  readonly inode: bigint;
}

/** What a number of WASI's `filetype` means. */
export function kindOf(filetype: number): ViewKind {
  if (filetype === FILETYPE.regularFile) return "file";
  if (filetype === FILETYPE.directory) return "folder";
  return filetype === FILETYPE.symbolicLink ? "link" : "other";
}

/** The fields of a `filestat`, which is used again. */
export function statOf({ fields }: FileStat): ViewStat {
  return {
    device: fields[0]!,
    inode: fields[1]!,
    kind: kindOf(Number(fields[2]! & 0xffn)),
    links: Number(fields[3]!),
    bytes: Number(fields[4]!),
    atimeNs: fields[5]!,
    mtimeNs: fields[6]!,
    ctimeNs: fields[7]!,
  };
}
