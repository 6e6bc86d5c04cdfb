/**
 * A guest played by the test: raw calls on real descriptors and a real memory. For tests only.
 *
 * @module
 */
import { PREVIEW1, RIGHTS_ALL } from "../abi.ts";
import { guestCalls, type ImportedCall } from "../calls/mod.ts";
import { socketCalls } from "../calls/sockets.ts";
import { errnoName } from "../errno.ts";
import type { System } from "../host/host.ts";
import { LibcHost } from "../host/libc/libc_host.ts";
import { LibcSockets } from "../host/libc/libc_sockets.ts";
import { resolveByWalking } from "../host/libc/resolver.ts";
import { PortableHost } from "../host/portable/portable_host.ts";
import { openSystem } from "../host/open.ts";
import { GuestMemory } from "../memory.ts";
import { networkOf } from "../network/decision.ts";
import { openDescriptors } from "../descriptors/open_descriptors.ts";
import { encodeArgs, encodeEnv, type WasiOptions } from "../options.ts";

/**
 * Every way to the operating system that this machine has; all must pass the same tests. Opened
 * here, before any test, because a library stays open for good and would look like a leak.
 */
export const HOSTS: readonly (readonly [name: string, host: System])[] = [
  ...(Deno.build.os === "linux"
    ? [
      ["libc", await openSystem("libc")],
      ["libc without openat2", LibcHost.open({ resolver: resolveByWalking, sockets: LibcSockets })],
    ] as const
    : []),
  ["portable", await openSystem("portable")],
  ...(Deno.build.os === "linux"
    ? [["portable by paths", new PortableHost({ byDescriptor: false })]] as const
    : []),
];

for (const [, host] of HOSTS) await host.loadSockets();

/** Where texts and results lie in the probe's memory. */
const TEXT_A = 1_024;
const TEXT_B = 8_192;
const OUT = 16_384;
/** From here on the memory is free for a test's own structures. */
export const FREE = 32_768;

/** What `filestat` told. */
export interface ProbedStat {
  readonly ino: bigint;
  readonly filetype: number;
  /** The host's own: `st_mode`, or 0. */
  readonly mode: number;
  readonly nlink: bigint;
  readonly size: bigint;
  readonly atim: bigint;
  readonly mtim: bigint;
}

/** How a probe opens a path. Rights are all, unless said. */
export interface ProbeOpen {
  readonly oflags?: number;
  readonly rights?: number;
  readonly flags?: number;
  readonly follow?: boolean;
}

/** A guest whose every call is made by the test. Errors come back as names, as `noent`. */
export class Probe implements Disposable {
  readonly memory = new WebAssembly.Memory({ initial: 4 });
  readonly calls: Record<string, ImportedCall>;
  readonly #table;
  readonly #guestMemory = new GuestMemory();

  /** `suspends`: whoever makes its calls waits for promises. */
  constructor(
    host: System,
    options: WasiOptions & { readonly layout?: typeof PREVIEW1 } = {},
    { suspends = false } = {},
  ) {
    const memory = this.#guestMemory;
    memory.bind(this.memory);
    this.#table = openDescriptors(host, options);
    this.calls = guestCalls({
      memory,
      host,
      table: this.#table,
      layout: options.layout ?? PREVIEW1,
      network: networkOf(options, { suspends }),
      args: encodeArgs(options.args ?? []),
      env: encodeEnv(options.env ?? {}),
      onIdle: options.onIdle,
      exit: (code) => {
        throw new Error(`exit ${code}`);
      },
    }, socketCalls);
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.memory.buffer);
  }

  get view(): DataView {
    return new DataView(this.memory.buffer);
  }

  /** Runs `_start` of a module that makes its calls here, on its own memory. */
  run(module: WebAssembly.Module): void {
    const { exports } = new WebAssembly.Instance(module, { wasi_snapshot_preview1: this.calls });
    this.#guestMemory.bind(exports["memory"] as WebAssembly.Memory);
    (exports["_start"] as () => void)();
  }

  /** Makes a call; the name of its errno, `success` for 0. */
  call(name: string, ...args: (number | bigint)[]): string {
    const answer = this.calls[name]!(...args);
    if (typeof answer !== "number") throw new Error(`Cannot wait for ${name}: use callLong`);
    return errnoName(answer);
  }

  /** As {@linkcode call}, for what may have to wait. */
  async callLong(name: string, ...args: (number | bigint)[]): Promise<string> {
    return errnoName(await this.calls[name]!(...args));
  }

  /** A call on one path. The path's two arguments come after `before`. */
  path(name: string, path: string | Uint8Array, options: {
    readonly before: readonly (number | bigint)[];
    readonly after?: readonly (number | bigint)[];
  }): string {
    const length = this.put(path, TEXT_A);
    return this.call(name, ...options.before, TEXT_A, length, ...options.after ?? []);
  }

  open(fd: number, path: string | Uint8Array, options: ProbeOpen = {}): number | string {
    const { oflags = 0, rights = RIGHTS_ALL, flags = 0, follow = true } = options;
    const failed = this.path("path_open", path, {
      before: [fd, follow ? 1 : 0],
      after: [oflags, BigInt(rights), BigInt(RIGHTS_ALL), flags, OUT],
    });
    return failed === "success" ? this.view.getUint32(OUT, true) : failed;
  }

  /** As {@linkcode open}, for a path that must open. */
  mustOpen(fd: number, path: string, options: ProbeOpen = {}): number {
    const opened = this.open(fd, path, options);
    if (typeof opened === "number") return opened;
    throw new Error(`Cannot open "${path}": ${opened}`);
  }

  /** Writes text with `fd_write`, split into two buffers; what it answered, and the count. */
  write(fd: number, text: string): number | string {
    const length = this.put(text, TEXT_A);
    const half = length >> 1;
    this.#iovecs([[TEXT_A, half], [TEXT_A + half, length - half]]);
    return this.#counted(this.call("fd_write", fd, FREE - 256, 2, OUT));
  }

  /** Reads up to so many bytes with `fd_read`, into two buffers. */
  read(fd: number, bytes: number): string {
    const half = bytes >> 1;
    this.#iovecs([[TEXT_A, half], [TEXT_A + half, bytes - half]]);
    return this.#text(this.call("fd_read", fd, FREE - 256, 2, OUT));
  }

  pread(fd: number, { bytes, offset }: { bytes: number; offset: bigint }): string {
    this.#iovecs([[TEXT_A, bytes]]);
    return this.#text(this.call("fd_pread", fd, FREE - 256, 1, offset, OUT));
  }

  pwrite(fd: number, { text, offset }: { text: string; offset: bigint }): number | string {
    this.#iovecs([[TEXT_A, this.put(text, TEXT_A)]]);
    return this.#counted(this.call("fd_pwrite", fd, FREE - 256, 1, offset, OUT));
  }

  seek(fd: number, offset: bigint, whence: number): bigint | string {
    const failed = this.call("fd_seek", fd, offset, whence, OUT);
    return failed === "success" ? this.view.getBigUint64(OUT, true) : failed;
  }

  stat(fd: number, path?: string, options: { follow?: boolean } = {}): ProbedStat | string {
    const failed = path === undefined
      ? this.call("fd_filestat_get", fd, OUT)
      : this.path("path_filestat_get", path, {
        before: [fd, options.follow ?? true ? 1 : 0],
        after: [OUT],
      });
    if (failed !== "success") return failed;
    const { view } = this;
    return {
      ino: view.getBigUint64(OUT + 8, true),
      filetype: view.getUint8(OUT + 16),
      mode: view.getUint32(OUT + 20, true),
      nlink: view.getBigUint64(OUT + 24, true),
      size: view.getBigUint64(OUT + 32, true),
      atim: view.getBigUint64(OUT + 40, true),
      mtim: view.getBigUint64(OUT + 48, true),
    };
  }

  mkdir(fd: number, path: string): string {
    return this.path("path_create_directory", path, { before: [fd] });
  }

  rmdir(fd: number, path: string): string {
    return this.path("path_remove_directory", path, { before: [fd] });
  }

  unlink(fd: number, path: string): string {
    return this.path("path_unlink_file", path, { before: [fd] });
  }

  symlink(target: string, fd: number, path: string): string {
    const length = this.put(target, TEXT_B);
    return this.path("path_symlink", path, { before: [TEXT_B, length, fd] });
  }

  readlink(fd: number, path: string): string {
    const failed = this.path("path_readlink", path, { before: [fd], after: [TEXT_B, 1_024, OUT] });
    if (failed !== "success") return failed;
    return `→ ${this.get(TEXT_B, this.view.getUint32(OUT, true))}`;
  }

  /** `path_rename` or, without following, `path_link`. */
  move(
    kind: "rename" | "link",
    from: readonly [number, string],
    to: readonly [number, string],
  ): string {
    const [a, b] = [this.put(from[1], TEXT_A), this.put(to[1], TEXT_B)];
    const lookup = kind === "link" ? [0] : [];
    return this.call(`path_${kind}`, from[0], ...lookup, TEXT_A, a, to[0], TEXT_B, b);
  }

  /** Writes a text into the memory and answers its bytes. */
  put(text: string | Uint8Array, at: number): number {
    const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
    this.bytes.set(bytes, at);
    return bytes.length;
  }

  get(at: number, length: number): string {
    return new TextDecoder().decode(this.bytes.slice(at, at + length));
  }

  [Symbol.dispose](): void {
    this.#table.closeAll();
  }

  #iovecs(buffers: readonly (readonly [number, number])[]): void {
    for (const [index, [at, length]] of buffers.entries()) {
      this.view.setUint32(FREE - 256 + index * 8, at, true);
      this.view.setUint32(FREE - 256 + index * 8 + 4, length, true);
    }
  }

  #counted(failed: string): number | string {
    return failed === "success" ? this.view.getUint32(OUT, true) : failed;
  }

  #text(failed: string): string {
    return failed === "success" ? `"${this.get(TEXT_A, this.view.getUint32(OUT, true))}"` : failed;
  }
}

/** A scratch folder `box` for the guest, beside a secret that it must never see. */
export class Scratch implements Disposable {
  readonly outer = Deno.makeTempDirSync({ prefix: "wasi-test-" });
  readonly box = `${this.outer}/box`;

  constructor() {
    Deno.mkdirSync(this.box);
    Deno.writeTextFileSync(`${this.outer}/secret`, "secret");
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.outer, { recursive: true });
  }
}

/** Runs one test over every host, with a probe whose descriptor 3 is an empty folder. */
export function testHosts(
  name: string,
  run: (probe: Probe, scratch: Scratch) => void,
  options: { readonly readOnly?: boolean } = {},
): void {
  for (const [kind, host] of HOSTS) {
    Deno.test(`${name} (${kind})`, () => {
      using scratch = new Scratch();
      const preopen = { hostPath: scratch.box, guestPath: "/box", ...options };
      using probe = new Probe(host, { preopens: [preopen] });
      run(probe, scratch);
    });
  }
}
