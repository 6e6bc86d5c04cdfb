import { DirectoryDescriptor } from "../descriptors/directory.ts";
import type { Descriptor } from "../descriptors/descriptor.ts";
import { FileDescriptor } from "../descriptors/file.ts";
import { SocketDescriptor } from "../descriptors/socket.ts";
import { StreamDescriptor } from "../descriptors/stream.ts";
import { LibcDirectory } from "../host/libc/libc_directory.ts";
import { LibcFile } from "../host/libc/libc_file.ts";
import type { LibcHost } from "../host/libc/libc_host.ts";
import { LibcSocket } from "../host/libc/libc_socket.ts";
import type { Correspondents } from "../network/incoming.ts";
import { Lock } from "./lock.ts";

/** The words that stand for one descriptor. */
export const FIELD = {
  /** Who needs it: the table, and every call that works with it. */
  references: 0,
  /** Another one with every change of the fields below. */
  generation: 1,
  kind: 2,
  /** The descriptor of the kernel; of a stream, its number on the {@linkcode Shelf}. */
  handle: 3,
  filetype: 4,
  flags: 5,
  rights: 6,
  inheriting: 7,
  bits: 8,
  /** Of a preopen: 1 + its number in {@linkcode Shelf.names}. */
  preopen: 9,
  /** Of a directory: taken by the thread that reads it. */
  lock: 10,
  /** In a list of free records: the next one. */
  next: 11,
  count: 12,
} as const;

const KIND = { file: 1, directory: 2, stream: 3, socket: 4 } as const;
const BIT = {
  readOnly: 1,
  borrowed: 2,
  ipv6: 4,
  udp: 8,
  bound: 16,
  nonblockWhenAsked: 32,
  anywhere: 64,
} as const;

/** What descriptors have that does not fit into numbers. It never changes while threads run. */
export interface Shelf {
  /** Names of the preopened directories. */
  readonly names: Uint8Array[];
  /** Gives a standard stream its number; not for threads, which make none. */
  putStream?(descriptor: StreamDescriptor): number;
  /** The stream of a number. */
  stream(handle: number): StreamDescriptor;
  /** For a socket of datagrams. @default {anybody may send to it} */
  correspondents?(): Correspondents;
}

/** A place among the shared words. */
export interface Place {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly at: number;
}

/** Writes down a descriptor of the libc host. What is no number is put onto the shelf. */
export function writeRecord({ words, at }: Place, descriptor: Descriptor, shelf: Shelf): void {
  words.fill(0, at + FIELD.kind, at + FIELD.count);
  if (descriptor instanceof FileDescriptor && descriptor.file instanceof LibcFile) {
    words[at + FIELD.kind] = KIND.file;
    words[at + FIELD.handle] = descriptor.file.fd;
    words[at + FIELD.bits] = descriptor.file.borrowed ? BIT.borrowed : 0;
  } else if (descriptor.directory instanceof LibcDirectory) {
    words[at + FIELD.kind] = KIND.directory;
    words[at + FIELD.handle] = descriptor.directory.fd;
    const name = descriptor.preopenName;
    if (name !== undefined) words[at + FIELD.preopen] = shelf.names.push(name);
  } else if (descriptor instanceof SocketDescriptor && descriptor.socket instanceof LibcSocket) {
    const { fd, family, protocol } = descriptor.socket;
    words[at + FIELD.kind] = KIND.socket;
    words[at + FIELD.handle] = fd;
    words[at + FIELD.bits] = (family === "ipv6" ? BIT.ipv6 : 0) |
      (protocol === "udp" ? BIT.udp : 0) |
      (descriptor.nonblockWhenAsked ? BIT.nonblockWhenAsked : 0);
  } else if (descriptor instanceof StreamDescriptor && shelf.putStream !== undefined) {
    words[at + FIELD.kind] = KIND.stream;
    words[at + FIELD.handle] = shelf.putStream(descriptor);
  } else throw new TypeError("Cannot share a descriptor of this kind between threads");
  words[at + FIELD.filetype] = descriptor.filetype;
  words[at + FIELD.rights] = words[at + FIELD.inheriting] = -1;
  if (descriptor.readOnly) words[at + FIELD.bits]! |= BIT.readOnly;
  writeChanges({ words, at }, descriptor);
}

/**
 * Writes down the fields that may change. Another thread may do so at the same time, from what it knew
 * before: what can only shrink or grow does so all the same.
 */
export function writeChanges({ words, at }: Place, descriptor: Descriptor): void {
  Atomics.store(words, at + FIELD.flags, descriptor.flags);
  Atomics.and(words, at + FIELD.rights, descriptor.rights);
  Atomics.and(words, at + FIELD.inheriting, descriptor.inheriting);
  if (!(descriptor instanceof SocketDescriptor)) return;
  if (descriptor.bound) Atomics.or(words, at + FIELD.bits, BIT.bound);
  if (descriptor.anywhere) Atomics.or(words, at + FIELD.bits, BIT.anywhere);
  if (!descriptor.nonblockWhenAsked) {
    Atomics.and(words, at + FIELD.bits, ~BIT.nonblockWhenAsked);
  }
}

/** This thread's own object for a descriptor that was written down. */
export function readRecord(
  place: Place,
  owner: { readonly host: LibcHost; readonly shelf: Shelf },
): Descriptor {
  const { words, at } = place;
  const descriptor = revive(place, owner);
  descriptor.flags = words[at + FIELD.flags]!;
  descriptor.rights = words[at + FIELD.rights]!;
  descriptor.inheriting = words[at + FIELD.inheriting]!;
  return descriptor;
}

function revive(
  { words, at }: Place,
  { host, shelf }: { readonly host: LibcHost; readonly shelf: Shelf },
): Descriptor {
  const has = (bit: number): boolean => (words[at + FIELD.bits]! & bit) !== 0;
  const fd = words[at + FIELD.handle]!;
  const flags = words[at + FIELD.flags]!;
  const rights = words[at + FIELD.rights]!;
  const inheriting = words[at + FIELD.inheriting]!;
  const readOnly = has(BIT.readOnly);
  switch (words[at + FIELD.kind]) {
    case KIND.file: {
      const filetype = words[at + FIELD.filetype]!;
      const file = host.adoptFile({ fd, filetype, flags, borrowed: has(BIT.borrowed) });
      return new FileDescriptor(file, { read: true, write: true, rights, flags, readOnly });
    }
    case KIND.directory: {
      const directory = host.adoptDirectory(fd, new Lock(words, at + FIELD.lock));
      const name = shelf.names[words[at + FIELD.preopen]! - 1];
      const preopen = name === undefined ? {} : { preopenName: name };
      return new DirectoryDescriptor(directory, { rights, inheriting, readOnly, ...preopen });
    }
    case KIND.socket: {
      const family = has(BIT.ipv6) ? "ipv6" : "ipv4";
      const protocol = has(BIT.udp) ? "udp" : "tcp";
      const socket = host.adoptSocket({ fd, family, protocol });
      const correspondents = has(BIT.udp) ? shelf.correspondents?.() : undefined;
      return new SocketDescriptor(socket, {
        rights,
        inheriting,
        flags,
        nonblockWhenAsked: has(BIT.nonblockWhenAsked),
        bound: has(BIT.bound),
        anywhere: has(BIT.anywhere),
        ...(correspondents === undefined ? {} : { correspondents }),
      });
    }
    default: {
      const stream = shelf.stream(fd);
      stream.filetype = words[at + FIELD.filetype]!;
      return stream;
    }
  }
}
