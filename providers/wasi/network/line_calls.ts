/** Linux's numbers of system calls. */
const CALLS = {
  x86_64: { read: 0n, write: 1n, connect: 42n },
  aarch64: { read: 63n, write: 64n, connect: 203n },
} as const;

const SYMBOLS = {
  ofBuffer: { name: "syscall", parameters: ["i64", "i64", "buffer", "u64"], result: "i64" },
  poll: {
    name: "ppoll",
    parameters: ["buffer", "u64", "buffer", "pointer"],
    result: "i32",
  },
  signal: { parameters: ["i32", "u64"], result: "u64" },
} as const;

type Bytes = Uint8Array<ArrayBuffer>;

const AF_UNIX = 1;
const PATH_OFFSET = 2;
const POLLIN = 1;
const POLLFD_BYTES = 8;
const NS_PER_MS = 1_000_000;
const SIGPIPE = 13;
/** `SIG_IGN` of signal(2). */
const IGNORE = 1n;

/** System calls on one Unix socket, which block the thread that makes them. */
export class LineCalls {
  readonly #functions: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];
  readonly #calls = CALLS[Deno.build.arch];
  readonly #socket: bigint;
  readonly #pollfd = new DataView(new ArrayBuffer(POLLFD_BYTES));
  readonly #timespec = new BigInt64Array(2);

  /** Opens the C library at this path; throws if the process may not. */
  constructor(libc: string, socket: number) {
    this.#functions = Deno.dlopen(libc, SYMBOLS).symbols;
    this.#functions.signal(SIGPIPE, IGNORE); // to write to who has gone is an answer, not an end
    this.#socket = BigInt(socket);
    this.#pollfd.setInt32(0, socket, true);
    this.#pollfd.setInt16(4, POLLIN, true);
  }

  /** Connects to the socket at a path of the machine. False if refused. */
  connect(path: string): boolean {
    const name = new TextEncoder().encode(`${path}\0`);
    const address = new Uint8Array(PATH_OFFSET + name.length); // `struct sockaddr_un`
    new DataView(address.buffer).setUint16(0, AF_UNIX, true);
    address.set(name, PATH_OFFSET);
    return this.#call(this.#calls.connect, address) === 0;
  }

  /** Fills some of these bytes; how many, 0 at the end, or -1. */
  read(into: Bytes): number {
    return this.#call(this.#calls.read, into);
  }

  /** Writes some of these bytes; how many, or -1. */
  write(from: Bytes): number {
    return this.#call(this.#calls.write, from);
  }

  /** Waits for so many milliseconds at most. True if there is something to read, its end included. */
  readable(ms: number): boolean {
    this.#timespec[0] = BigInt(Math.floor(ms / 1_000));
    this.#timespec[1] = BigInt((ms % 1_000) * NS_PER_MS);
    return this.#functions.poll(this.#pollfd, 1n, this.#timespec, null) > 0;
  }

  #call(number: bigint, bytes: Bytes): number {
    return Number(this.#functions.ofBuffer(number, this.#socket, bytes, BigInt(bytes.length)));
  }
}
