/**
 * A pod's network that a test makes up, and guests in WAT that use it.
 *
 * @module
 */
import type { Endpoint, GuestNetwork, NetworkAnswer, NetworkRequest } from "../../lib/mod.ts";

/** A network that is what its fields say. Everything is allowed as it was asked for, unless `decide` says otherwise. */
export class FakeNetwork implements GuestNetwork {
  /** Everything that was asked. */
  readonly asked: NetworkRequest[] = [];
  listeners: readonly Endpoint[] = [];
  loopback = "127.0.0.1";
  decide: (request: NetworkRequest) => NetworkAnswer | Promise<NetworkAnswer> = allow;
  readonly #told = new Set<(guarded: boolean) => void>();
  #guarded = false;

  async ask(request: NetworkRequest): Promise<NetworkAnswer> {
    this.asked.push(request);
    return await this.decide(request);
  }

  get guarded(): boolean {
    return this.#guarded;
  }

  set guarded(guarded: boolean) {
    this.#guarded = guarded;
    for (const tell of this.#told) tell(guarded);
  }

  /** How many want to hear of changes. */
  get listening(): number {
    return this.#told.size;
  }

  onGuardChanged(listener: (guarded: boolean) => void): Disposable {
    this.#told.add(listener);
    return { [Symbol.dispose]: () => void this.#told.delete(listener) };
  }
}

/** As it was asked for. */
export function allow(request: NetworkRequest): NetworkAnswer {
  return request.want === "resolve" ? { addresses: [] } : { endpoint: request.endpoint };
}

/** Calls on sockets that a guest may import, with their parameters. */
const CALLS: Readonly<Record<string, string>> = {
  sock_open: "i32 i32 i32",
  sock_bind: "i32 i32 i32",
  sock_listen: "i32 i32",
  sock_connect: "i32 i32 i32",
  sock_accept: "i32 i32 i32",
  sock_recv: "i32 i32 i32 i32 i32 i32",
  sock_send: "i32 i32 i32 i32 i32",
  sock_shutdown: "i32 i32",
  sock_getaddrinfo: "i32 i32 i32 i32 i32 i32 i32 i32",
  fd_close: "i32",
  fd_write: "i32 i32 i32 i32",
  poll_oneoff: "i32 i32 i32 i32",
};

/** A module whose `_start` is this code, with the calls that it names; with threads, in the first of them. */
export function socketGuest(code: string, { threads = false } = {}): string {
  const imports = Object.entries(CALLS).filter(([name]) => code.includes(`$${name}`)).map((
    [name, params],
  ) =>
    `(import "wasi_snapshot_preview1" "${name}" (func $${name} (param ${params}) (result i32)))`
  );
  const memory = threads
    ? `(import "env" "memory" (memory 16 16 shared)) (export "memory" (memory 0))
       (func (export "wasi_thread_start") (param i32 i32))`
    : '(memory (export "memory") 16)';
  return `(module
    (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
    ${imports.join("\n")}
    ${memory}
    (global $fd (mut i32) (i32.const 0))
    (global $errno (mut i32) (i32.const 0))
    (func $must (param $errno i32)
      (if (local.get $errno) (then (call $proc_exit (i32.const 99)))))
    (func (export "_start") ${code}))`;
}

/** Code that writes where the addresses of {@linkcode ADDRESS} lie. */
function address(ip: string): string {
  const word = ip.split(".").reduceRight((sum, byte) => sum * 256 + Number(byte), 0);
  return `(i32.store (i32.const 64) (i32.const 80)) (i32.store (i32.const 68) (i32.const 4))
    (i32.store (i32.const 80) (i32.const ${word | 0}))`;
}

/** Code that opens a socket (`tcp` is 2, `udp` 1) into the global `$fd`. */
export function open(type: 1 | 2): string {
  return `(call $must (call $sock_open (i32.const 1) (i32.const ${type}) (i32.const 0)))
    (global.set $fd (i32.load (i32.const 0)))`;
}

/** An expression: the errno of binding or connecting `$fd`. */
export function at(call: "sock_bind" | "sock_connect", ip: string, port: number): string {
  return `${address(ip)}
    (call $${call} (global.get $fd) (i32.const 64) (i32.const ${port}))`;
}

/** An expression: the errno of sending two bytes from `$fd`. */
export const SENDS =
  `(i32.store (i32.const 16) (i32.const 1024)) (i32.store (i32.const 20) (i32.const 2))
  (i32.store (i32.const 1024) (i32.const 0x6968))
  (call $sock_send (global.get $fd) (i32.const 16) (i32.const 1) (i32.const 0) (i32.const 24))`;

/** Code that listens at a port of all addresses. */
export function serveAt(port: number): string {
  return `${open(2)} (call $must ${inBlock(at("sock_bind", "0.0.0.0", port))})
    (call $must (call $sock_listen (global.get $fd) (i32.const 128)))`;
}

/** Code that ends the guest with the value of an expression as its exit code. */
export function exitWith(expression: string): string {
  return `(call $proc_exit ${inBlock(expression)})`;
}

/** Several statements of which the last is a value. */
export function inBlock(code: string): string {
  return `(block (result i32) ${code})`;
}

/** Takes connections from `$fd` and echoes once on each, until accept fails; ends with that errno. */
export const ECHOES = `(loop $next
  (global.set $errno (call $sock_accept (global.get $fd) (i32.const 0) (i32.const 0)))
  (if (global.get $errno) (then (call $proc_exit (global.get $errno))))
  (i32.store (i32.const 16) (i32.const 1024)) (i32.store (i32.const 20) (i32.const 512))
  (drop (call $sock_recv (i32.load (i32.const 0)) (i32.const 16) (i32.const 1) (i32.const 0)
    (i32.const 24) (i32.const 28)))
  (i32.store (i32.const 20) (i32.load (i32.const 24)))
  (drop (call $sock_send (i32.load (i32.const 0)) (i32.const 16) (i32.const 1) (i32.const 0)
    (i32.const 24)))
  (drop (call $fd_close (i32.load (i32.const 0))))
  (br $next))`;

/** Takes connections from `$fd` and keeps them, without a word, until accept fails; ends with that errno. */
export const HOLDS = `(loop $next
  (global.set $errno (call $sock_accept (global.get $fd) (i32.const 0) (i32.const 0)))
  (if (global.get $errno) (then (call $proc_exit (global.get $errno))))
  (br $next))`;

/** Asks to connect for ever, whatever comes of it. */
export const ASKS = `(loop $again (drop ${
  inBlock(at("sock_connect", "10.96.0.1", 443))
}) (br $again))`;
