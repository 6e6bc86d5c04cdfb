import { longer } from "./longer.ts";

/**
 * Gives each descriptor one place in an array for `ppoll`, however often a guest names it: a server that waits to
 * read and to write on each of its connections would else name more than a process may have open, which the
 * system refuses (`EINVAL`).
 */
export class PollPlaces {
  /** How many there are in this round. */
  count = 0;
  #round = 0;
  /** Of each descriptor: the last round that it had a place in, and which. */
  #rounds = new Int32Array(0);
  #places = new Int32Array(0);
  /** Of each wait of this round: its place. */
  #ofWaits = new Int32Array(0);

  /** Begins a round with so many waits. */
  begin(waits: number): void {
    this.count = 0;
    this.#round = this.#round + 1 | 0;
    if (this.#ofWaits.length < waits) this.#ofWaits = new Int32Array(2 * waits);
  }

  /** The place of a descriptor, for the wait with this index; the next one if it had none in this round. */
  give(index: number, fd: number): number {
    if (fd >= this.#rounds.length) {
      this.#rounds = longer(this.#rounds, fd);
      this.#places = longer(this.#places, fd);
    }
    if (this.#rounds[fd] !== this.#round) {
      this.#rounds[fd] = this.#round;
      this.#places[fd] = this.count++;
    }
    return this.#ofWaits[index] = this.#places[fd]!;
  }

  /** The place that a wait was given. */
  of(index: number): number {
    return this.#ofWaits[index]!;
  }
}
