import type { Wait } from "../host.ts";
import { EPOLL_EVENT, MACHINES, POLLERR, POLLHUP, POLLIN, POLLOUT } from "./constants.ts";
import type { Library } from "./library.ts";
import { longer } from "./longer.ts";

const { epoll_create1, epoll_ctl, epoll_pwait } = MACHINES[Deno.build.arch].calls;
const EPOLL_CLOEXEC = 0o2000000;
const CTL = { add: 1, remove: 2, change: 3 } as const;
/** Told of one call; the rest is told by the next one. */
const TOLD_MAX = 1_024;
/** What is told whether it is asked for or not. */
const ALWAYS = POLLERR | POLLHUP;

/**
 * What a guest waits for again and again, kept by the kernel (`epoll`) from one wait to the next: a
 * server with thousands of connections names all of them each time, and hardly one has changed.
 *
 * The kernel forgets a descriptor that is closed, and its number may come again. So a number is known by
 * the object that it belonged to, and nobody may close and open descriptors but the owner of this set.
 */
export class Watched {
  readonly #library: Library;
  readonly #told = new DataView(new ArrayBuffer(TOLD_MAX * EPOLL_EVENT.bytes));
  readonly #change = new DataView(new ArrayBuffer(EPOLL_EVENT.bytes));
  #epoll = -1;
  /** Of each descriptor: whose it was when the kernel was told, and what the kernel looks for. */
  readonly #files: (Wait["file"] | undefined)[] = [];
  #kept = new Int32Array(0);
  /** Of each descriptor: the last round that wanted it, what for, and the last of its waits in that round. */
  #rounds = new Int32Array(0);
  #wanted = new Int32Array(0);
  #last = new Int32Array(0);
  /** Of each wait: the one before it with the same descriptor, or -1. */
  #before = new Int32Array(0);
  #round = 0;

  constructor(library: Library) {
    this.#library = library;
  }

  /**
   * Has the kernel look for all of these, and answers the descriptor that can be read when it has found
   * something; a negated errno if it cannot.
   */
  begin(waits: readonly Wait[], fdOf: (file: Wait["file"]) => number): number {
    if (this.#epoll < 0) {
      const { functions } = this.#library;
      const made = functions.ofNumbers(epoll_create1, BigInt(EPOLL_CLOEXEC), 0n, 0n, 0n, 0n);
      if (made < 0) return this.#library.answer(made);
      this.#epoll = made;
    }
    this.#round = this.#round + 1 | 0;
    if (this.#before.length < waits.length) this.#before = new Int32Array(2 * waits.length);
    const changed: number[] = [];
    for (let index = 0; index < waits.length; index++) {
      const { file, interest } = waits[index]!;
      const fd = fdOf(file);
      this.#makeRoom(fd);
      const first = this.#rounds[fd] !== this.#round;
      const events = interest === "read" ? POLLIN : POLLOUT;
      this.#before[index] = first ? -1 : this.#last[fd]!;
      this.#wanted[fd] = first ? events : this.#wanted[fd]! | events;
      this.#rounds[fd] = this.#round;
      this.#last[fd] = index;
      if (this.#files[fd] !== file) {
        this.#files[fd] = file;
        this.#kept[fd] = 0;
      }
      if ((this.#kept[fd]! & events) === 0) changed.push(fd);
    }
    for (const fd of changed) {
      const answer = this.#keep(fd);
      if (answer < 0) return answer;
    }
    return this.#epoll;
  }

  /** Visits what the kernel has found, by the index in the waits that this round began with. */
  visit(found: (index: number, events: number) => void): number {
    const { functions } = this.#library;
    const [epoll, told] = [BigInt(this.#epoll), this.#library.addressOf(this.#told)];
    const count = functions.ofNumbers(epoll_pwait, epoll, told, BigInt(TOLD_MAX), 0n, 0n);
    if (count < 0) return this.#library.answer(count);
    for (let at = 0; at < count * EPOLL_EVENT.bytes; at += EPOLL_EVENT.bytes) {
      const events = this.#told.getUint32(at, true);
      const fd = this.#told.getInt32(at + EPOLL_EVENT.data, true);
      const wanted = this.#rounds[fd] === this.#round ? this.#wanted[fd]! | ALWAYS : 0;
      if ((events & wanted) === 0) this.#narrow(fd, wanted);
      else {for (let index = this.#last[fd]!; index >= 0; index = this.#before[index]!) {
          found(index, events);
        }}
    }
    return count;
  }

  /** Gives back what the kernel keeps for it. It begins anew when it is asked again. */
  [Symbol.dispose](): void {
    if (this.#epoll >= 0) this.#library.functions.close(this.#epoll);
    this.#epoll = -1;
    this.#files.length = 0;
  }

  #keep(fd: number): number {
    const events = this.#wanted[fd]!;
    const known = this.#kept[fd] !== 0;
    const answer = this.#control(known ? CTL.change : CTL.add, fd, events);
    if (answer >= 0) this.#kept[fd] = events;
    return answer;
  }

  /** It would be told again and again, although nobody asks for it any more. */
  #narrow(fd: number, wanted: number): void {
    if (wanted === 0) {
      this.#control(CTL.remove, fd, 0);
      this.#files[fd] = undefined;
    } else if (this.#control(CTL.change, fd, this.#wanted[fd]!) >= 0) {
      this.#kept[fd] = this.#wanted[fd]!;
    }
  }

  #control(how: number, fd: number, events: number): number {
    this.#change.setUint32(0, events, true);
    this.#change.setInt32(EPOLL_EVENT.data, fd, true);
    const change = this.#library.addressOf(this.#change);
    const [epoll, what] = [BigInt(this.#epoll), BigInt(how)];
    const { functions } = this.#library;
    return this.#library.answer(
      functions.ofNumbers(epoll_ctl, epoll, what, BigInt(fd), change, 0n),
    );
  }

  #makeRoom(fd: number): void {
    if (fd < this.#kept.length) return;
    this.#kept = longer(this.#kept, fd);
    this.#rounds = longer(this.#rounds, fd);
    this.#wanted = longer(this.#wanted, fd);
    this.#last = longer(this.#last, fd);
  }
}
