/**
 * What the embedder says of its own accord while the guest runs. It is looked at for each connection and
 * datagram that has come, and when {@linkcode NetworkNews.descriptor} can be read.
 */
export interface NetworkNews {
  /** What is so now. Cheap: without news one system call at most. */
  look(): {
    /** Whether `accept` is asked for. */
    readonly guarded: boolean;
    /** No connection is to be taken any more, for good: what listens is shut down. */
    readonly closing: boolean;
  };
  /**
   * A descriptor of this process that can be read when there is news, until they are looked at. Whoever waits for
   * something on behalf of the guest waits for it as well, on the libc host. Undefined once nothing will come.
   */
  readonly descriptor: number | undefined;
  /**
   * News has been taken in along with something else, so that {@linkcode descriptor} cannot be read for it, and nobody
   * has looked since.
   *
   * @default false
   */
  readonly heard?: boolean;
  /**
   * Calls back whenever there is something to look at, until that is disposed of: for the portable host, which has no
   * use for a descriptor.
   *
   * @default {a guest on the portable host hears of news when something comes in}
   */
  onNews?(listener: () => void): Disposable;
}
