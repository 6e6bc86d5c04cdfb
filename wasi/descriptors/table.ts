import { ERRNO } from "../errno.ts";
import { DESCRIPTORS_MAX } from "../limits.ts";
import { Refusal } from "../refusal.ts";
import type { Descriptor } from "./descriptor.ts";

/** The guest's numbers and what stands behind them. The lowest free number is given first. */
export interface DescriptorTable {
  /** Gives a descriptor its number, or a negated errno if there are too many. */
  add(descriptor: Descriptor): number;
  /** What stands behind a number; refused with `badf` if nothing does. */
  get(fd: number): Descriptor;
  /** What stands behind a number, if it has all of these rights; else `notcapable`. */
  require(fd: number, rights: number): Descriptor;
  /** Says that flags or rights of what stands behind a number were changed. */
  changed(fd: number): void;
  /** Closes a number and frees it, even if the host reports an error. */
  close(fd: number): number;
  /** Moves a descriptor onto another open number, which is closed. */
  renumber(from: number, to: number): void;
  /** Closes everything. */
  closeAll(): void;
}

/** The table of a guest with one thread. */
export class LocalTable implements DescriptorTable {
  readonly #slots: (Descriptor | undefined)[] = [];
  /** No number below this one is free. */
  #lowest = 0;

  add(descriptor: Descriptor): number {
    let fd = this.#lowest;
    while (this.#slots[fd] !== undefined) fd++;
    if (fd >= DESCRIPTORS_MAX) return -ERRNO.mfile;
    this.#slots[fd] = descriptor;
    this.#lowest = fd + 1;
    return fd;
  }

  get(fd: number): Descriptor {
    const descriptor = this.#slots[fd >>> 0];
    if (descriptor === undefined) throw new Refusal(ERRNO.badf);
    return descriptor;
  }

  require(fd: number, rights: number): Descriptor {
    const descriptor = this.get(fd);
    if ((descriptor.rights & rights) !== rights) throw new Refusal(ERRNO.notcapable);
    return descriptor;
  }

  changed(): void {}

  close(fd: number): number {
    const descriptor = this.get(fd);
    this.#slots[fd >>> 0] = undefined;
    this.#lowest = Math.min(this.#lowest, fd >>> 0);
    return descriptor.close();
  }

  renumber(from: number, to: number): void {
    const moving = this.get(from);
    const target = this.get(to);
    if (moving === target) return;
    this.#slots[to >>> 0] = moving;
    this.#slots[from >>> 0] = undefined;
    this.#lowest = Math.min(this.#lowest, from >>> 0);
    target.close();
  }

  closeAll(): void {
    for (const descriptor of this.#slots) descriptor?.close();
    this.#slots.length = 0;
    this.#lowest = 0;
  }
}
