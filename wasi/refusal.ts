/**
 * How code below a call tells the guest "no" from any depth.
 *
 * Not an `Error`: it carries no stack, because a guest may provoke millions of them.
 */
export class Refusal {
  /** A number of WASI's `errno`. */
  readonly errno: number;

  constructor(errno: number) {
    this.errno = errno;
  }
}
