import type { Descriptor } from "../descriptors/descriptor.ts";
import { SocketDescriptor } from "../descriptors/socket.ts";
import type { DescriptorTable } from "../descriptors/table.ts";
import { ERRNO } from "../errno.ts";
import type { LibcHost } from "../host/libc/libc_host.ts";
import { SHUTDOWN } from "../host/socket.ts";
import { DESCRIPTORS_CLOSING_MAX, DESCRIPTORS_MAX } from "../limits.ts";
import { Refusal } from "../refusal.ts";
import { FIELD, readRecord, type Shelf, writeChanges, writeRecord } from "./descriptor_record.ts";
import { Lock } from "./lock.ts";

const WORD = {
  lock: 0,
  /** No number below this one is free. */
  lowest: 1,
  /** The first record of the list of free ones; 0 if there is none. */
  free: 2,
  /** From this record on none was ever used. */
  fresh: 3,
  slots: 4,
} as const;
const RECORDS = WORD.slots + DESCRIPTORS_MAX;
const END = RECORDS + FIELD.count * (DESCRIPTORS_MAX + DESCRIPTORS_CLOSING_MAX);

/**
 * One descriptor table for all threads of a guest: numbers of the kernel's descriptors in shared
 * memory. Each thread has an object of its own for the same descriptor.
 *
 * A descriptor is closed when its number is closed and the last call that works with it has ended.
 * Else the kernel could give its number to something else, and a call that is under way would reach
 * that: even what is not the guest's. So each call ends with {@linkcode release}.
 */
export class SharedTable implements DescriptorTable {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #lock: Lock;
  readonly #host: LibcHost;
  readonly #shelf: Shelf;
  /** This thread's objects, by record, and the generation that each was made from. */
  readonly #objects: (Descriptor | undefined)[] = [];
  readonly #generations: number[] = [];
  /** The first record that the call under way works with; 0 if there is none. Most work with one. */
  #pinned = 0;
  /** The other records that it works with. */
  readonly #morePinned: number[] = [];

  /** Opens the table of others, or makes an empty one. */
  constructor(options: {
    readonly host: LibcHost;
    readonly shelf: Shelf;
    readonly buffer?: SharedArrayBuffer;
  }) {
    this.buffer = options.buffer ?? new SharedArrayBuffer(4 * END);
    this.#words = new Int32Array(this.buffer);
    this.#lock = new Lock(this.#words, WORD.lock);
    this.#host = options.host;
    this.#shelf = options.shelf;
    if (options.buffer === undefined) this.#words[WORD.fresh] = RECORDS;
  }

  add(descriptor: Descriptor): number {
    const words = this.#words;
    return this.#lock.hold(() => {
      let fd = words[WORD.lowest]!;
      while (fd < DESCRIPTORS_MAX && words[WORD.slots + fd] !== 0) fd++;
      if (fd === DESCRIPTORS_MAX) return -ERRNO.mfile;
      const record = this.#allocate();
      if (record === 0) return -ERRNO.mfile;
      writeRecord({ words, at: record }, descriptor, this.#shelf);
      Atomics.add(words, record + FIELD.generation, 1);
      Atomics.store(words, record + FIELD.references, 1);
      Atomics.store(words, WORD.slots + fd, record);
      words[WORD.lowest] = fd + 1;
      return fd;
    });
  }

  get(fd: number): Descriptor {
    return this.#object(this.#pin(fd));
  }

  require(fd: number, rights: number): Descriptor {
    const descriptor = this.get(fd);
    if ((descriptor.rights & rights) !== rights) throw new Refusal(ERRNO.notcapable);
    return descriptor;
  }

  changed(fd: number): void {
    const record = this.#pin(fd);
    const descriptor = this.#object(record);
    writeChanges({ words: this.#words, at: record }, descriptor);
    Atomics.add(this.#words, record + FIELD.generation, 1);
  }

  close(fd: number): number {
    const record = this.#pin(fd);
    this.#lock.hold(() => this.#vacate(fd, record));
    Atomics.sub(this.#words, record + FIELD.references, 1);
    return this.release();
  }

  renumber(from: number, to: number): void {
    const moving = this.#pin(from);
    const target = this.#pin(to);
    if (moving === target) return;
    this.#lock.hold(() => {
      if (this.#words[WORD.slots + (to >>> 0)] !== target) throw new Refusal(ERRNO.badf);
      this.#vacate(from, moving);
      Atomics.store(this.#words, WORD.slots + (to >>> 0), moving);
    });
    Atomics.sub(this.#words, target + FIELD.references, 1);
  }

  /** The call under way has ended. Closes what nobody needs any more; the answer of the last one. */
  release(): number {
    if (this.#pinned === 0) return 0;
    let answer = this.#unpin(this.#pinned);
    this.#pinned = 0;
    while (this.#morePinned.length > 0) answer = this.#unpin(this.#morePinned.pop()!);
    return answer;
  }

  /**
   * Ends all sockets, those too that are closed while a thread works with them: who waits for one comes
   * back, and nothing listens any more even if a thread never lets go. What was sent goes its way.
   */
  interrupt(): void {
    this.#shutDown(() => true);
  }

  /** Ends the sockets that listen: whoever waits for a connection comes back, and connections go on. */
  stopListening(): void {
    this.#shutDown(({ socket }) => socket.getOption("listening") === 1);
  }

  #shutDown(which: (descriptor: SocketDescriptor) => boolean): void {
    const end = Atomics.load(this.#words, WORD.fresh);
    for (let record = RECORDS; record < end; record += FIELD.count) {
      if (!this.#acquire(record)) continue;
      const descriptor = this.#object(record);
      if (descriptor instanceof SocketDescriptor && which(descriptor)) {
        descriptor.socket.shutdown(SHUTDOWN.receive | SHUTDOWN.send);
      }
      this.#unpin(record);
    }
  }

  /** Closes everything, but for what a thread still works with: that stays open until the process ends. */
  closeAll(): void {
    for (let fd = 0; fd < DESCRIPTORS_MAX; fd++) {
      const record = Atomics.exchange(this.#words, WORD.slots + fd, 0);
      if (record === 0) continue;
      if (Atomics.sub(this.#words, record + FIELD.references, 1) !== 1) continue;
      this.#object(record).close();
    }
  }

  /** Finds the record behind a number and keeps it until the call ends. */
  #pin(fd: number): number {
    const slot = fd >>> 0;
    if (slot >= DESCRIPTORS_MAX) throw new Refusal(ERRNO.badf);
    const words = this.#words;
    while (true) {
      const record = Atomics.load(words, WORD.slots + slot);
      if (record === 0) throw new Refusal(ERRNO.badf);
      if (record === this.#pinned) return record;
      if (this.#pinned !== 0 && this.#morePinned.includes(record)) return record;
      if (!this.#acquire(record)) continue; // it was closed since then
      if (Atomics.load(words, WORD.slots + slot) !== record) this.#unpin(record);
      else {
        if (this.#pinned === 0) this.#pinned = record;
        else this.#morePinned.push(record);
        return record;
      }
    }
  }

  #unpin(record: number): number {
    const before = Atomics.sub(this.#words, record + FIELD.references, 1);
    return before === 1 ? this.#destroy(record) : 0;
  }

  #acquire(record: number): boolean {
    const words = this.#words;
    const at = record + FIELD.references;
    for (let count = Atomics.load(words, at); count > 0;) {
      const found = Atomics.compareExchange(words, at, count, count + 1);
      if (found === count) return true;
      count = found;
    }
    return false;
  }

  #object(record: number): Descriptor {
    const words = this.#words;
    const index = (record - RECORDS) / FIELD.count;
    const generation = Atomics.load(words, record + FIELD.generation);
    const known = this.#objects[index];
    if (known !== undefined && this.#generations[index] === generation) return known;
    const descriptor = readRecord({ words, at: record }, { host: this.#host, shelf: this.#shelf });
    this.#objects[index] = descriptor;
    this.#generations[index] = generation;
    return descriptor;
  }

  #vacate(fd: number, record: number): void {
    const words = this.#words;
    const slot = fd >>> 0;
    if (words[WORD.slots + slot] !== record) throw new Refusal(ERRNO.badf);
    Atomics.store(words, WORD.slots + slot, 0);
    words[WORD.lowest] = Math.min(words[WORD.lowest]!, slot);
  }

  #allocate(): number {
    const words = this.#words;
    const record = words[WORD.free]!;
    if (record !== 0) {
      words[WORD.free] = words[record + FIELD.next]!;
      return record;
    }
    const fresh = words[WORD.fresh]!;
    if (fresh >= END) return 0;
    words[WORD.fresh] = fresh + FIELD.count;
    return fresh;
  }

  #destroy(record: number): number {
    const words = this.#words;
    const descriptor = this.#object(record);
    this.#objects[(record - RECORDS) / FIELD.count] = undefined;
    const answer = descriptor.close();
    this.#lock.hold(() => {
      words[record + FIELD.next] = words[WORD.free]!;
      words[WORD.free] = record;
    });
    return answer;
  }
}
