/** What a guest and the process around it may touch. What is not named here is refused. */
export interface SandboxWishes {
  /** Absolute paths of folders that may be read, with all that is in them. @default {none} */
  readonly readOnly?: readonly string[];
  /** Absolute paths of folders that may be read and changed. @default {none} */
  readonly readWrite?: readonly string[];
  /**
   * Absolute paths of folders for logs: files may be made, written, renamed and removed in them.
   * Nothing is read, and neither links, which would lead others astray, nor folders are made.
   *
   * @default {none}
   */
  readonly logs?: readonly string[];
  /** Absolute paths of single files that may be read. @default {none} */
  readonly files?: readonly string[];
  /**
   * Those of the folders above whose paths must hold no link when the sandbox is entered, because they
   * lie where others may change things. @default {none}
   */
  readonly exact?: readonly string[];
  /** What sockets are for. @default {no socket can be made} */
  readonly network?: NetworkWishes;
}

/** What sockets may be made for. Sockets that are open already, as listeners, are not concerned. */
export interface NetworkWishes {
  /** TCP ports of this machine; 0 is one that the kernel chooses. @default {none} */
  readonly bindTcp?: "any" | readonly number[];
  /** TCP ports of others. @default {none} */
  readonly connectTcp?: "any" | readonly number[];
  /** UDP sockets, for all addresses. @default {false} */
  readonly udp?: boolean;
}

/** A sandbox that cannot be had, or cannot be had as it was asked for. */
export class SandboxError extends Error {
  /** Stays the same in a minified program. */
  override readonly name = "SandboxError";
}
