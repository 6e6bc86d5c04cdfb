import { fileURLToPath } from "node:url";
import type { Programs } from "./build.ts";

/** A server to be measured: how it is started, so that it listens at an address. */
export interface Server {
  readonly language: "Go" | "Rust";
  readonly name: string;
  command(address: string): readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  /** Finds in its output where it listens, if it is not where it was told to. */
  readonly place?: RegExp;
}

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const CLI = fileURLToPath(new URL("../../wasi/cli.ts", import.meta.url));

/**
 * The native one first: the others are compared with it. A guest has one thread, so Go's native one has
 * one as well; Rust's has one anyway. Another runtime is not among them: wasmtime 48 takes no listeners
 * for preview 1 any more, and wazero 1.12 lacks the socket extension.
 */
export function servers({ go, rust }: Programs): readonly Server[] {
  const one = (
    language: Server["language"],
    native: string,
    stock: string,
    own: string,
  ): Server[] => {
    const env = { GOMAXPROCS: "1" };
    const host = (
      ...flags: string[]
    ): [string, ...string[]] => [Deno.execPath(), "run", "-A", CLI, ...flags];
    return [
      { language, name: "native, one thread", command: (address) => [native, address], env },
      {
        language,
        name: "libc host, handed listener",
        command: (
          address,
        ) => [...host("--host", "libc", "--tcplisten", address), stock, "listener"],
      },
      {
        language,
        name: "libc host, own socket",
        command: (address) => [...host("--host", "libc", `--allow-net=${address}`), own, address],
      },
      {
        language,
        name: "portable host, own socket",
        command: (
          address,
        ) => [...host("--host", "portable", `--allow-net=${address}`), own, address],
      },
      {
        language,
        name: "pod, own socket",
        command: () => {
          const flags = ["--pod-network", "loopback", "--grace-period", "1s"];
          return [Deno.execPath(), "run", "-A", MAIN, "run", ...flags, own, "--", "0.0.0.0:8080"];
        },
        env: { NO_COLOR: "1" },
        place: /listens on http:\/\/([\d.:]+)/,
      },
    ];
  };
  return [
    ...one("Go", go.native, go.stock, go.sockets),
    ...(rust === undefined ? [] : one("Rust", rust.native, rust.wasm, rust.wasm)),
  ];
}

/** A server that runs. */
export class RunningServer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #output: ReadableStreamDefaultReader<string>;
  readonly address: string;

  private constructor(
    child: Deno.ChildProcess,
    { output, address }: { output: ReadableStreamDefaultReader<string>; address: string },
  ) {
    this.#child = child;
    this.#output = output;
    this.address = address;
  }

  /** Starts it at a free port, and waits until it says that it serves. */
  static async start(server: Server): Promise<RunningServer> {
    const address = `127.0.0.1:${freePort()}`;
    const [program, ...args] = server.command(address);
    const child = new Deno.Command(program, {
      args,
      ...(server.env === undefined ? {} : { env: server.env }),
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const place = server.place ?? /serving()/;
    let said = "";
    while (!place.test(said)) {
      const { done, value } = await output.read();
      if (done) {
        await new RunningServer(child, { output, address })[Symbol.asyncDispose]();
        throw new Error(`Cannot measure ${server.language}, ${server.name}: it said "${said}"`);
      }
      said += value;
    }
    const told = said.match(place)?.[1] ?? "";
    return new RunningServer(child, { output, address: told === "" ? address : told });
  }

  /** Memory that is its process's alone, in MiB; NaN where the system does not tell. */
  async privateMiB(): Promise<number> {
    try {
      const rollup = await Deno.readTextFile(`/proc/${this.#child.pid}/smaps_rollup`);
      const kib = rollup.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB/gm);
      return kib.reduce((sum, [, digits]) => sum + Number(digits), 0) / 1_024;
    } catch {
      return NaN;
    }
  }

  /** Ends it, and whatever it has started. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // it has ended
    }
    await this.#child.status;
    await this.#output.cancel();
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
