/** A socket that listens, and can be made to take nobody any more. */
export interface Door {
  /** From now on who wants to accept, or waits to, is told `inval`, and new connections are refused. */
  shut(): void;
}

/** The sockets that one host has made listen. */
export class Doors {
  readonly #open = new Set<Door>();
  #shut = false;

  /** It listens. It is shut at once if all are. */
  add(door: Door): void {
    this.#open.add(door);
    if (this.#shut) door.shut();
  }

  /** It is closed. */
  remove(door: Door): void {
    this.#open.delete(door);
  }

  /** Shuts them all, and each one that begins later. */
  shut(): void {
    if (this.#shut) return;
    this.#shut = true;
    for (const door of this.#open) door.shut();
  }
}
