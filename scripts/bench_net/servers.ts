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
/** Linux tells CPU times in hundredths of a second on every machine that Deno runs on. */
const MS_PER_TICK = 10;
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
          const flags = ["--grace-period", "1s"];
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

  /** CPU time that it and what it has started have used, in ms; NaN where the system does not tell. */
  async cpuMs(): Promise<number> {
    try {
      return await cpuTicks(this.#child.pid) * MS_PER_TICK;
    } catch {
      return NaN;
    }
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

/** Of a process and its descendants. */
async function cpuTicks(root: number): Promise<number> {
  const all = new Map<number, { readonly parent: number; readonly ticks: number }>();
  for await (const { name } of Deno.readDir("/proc")) {
    const stat = /^\d+$/.test(name) ? await statOf(name) : undefined;
    if (stat !== undefined) all.set(Number(name), stat);
  }
  const belongs = (pid: number): boolean => {
    const parent = pid === root ? undefined : all.get(pid)?.parent;
    return pid === root || parent !== undefined && belongs(parent);
  };
  return all.entries().filter(([pid]) => belongs(pid)).reduce(
    (sum, [, { ticks }]) => sum + ticks,
    0,
  );
}

async function statOf(pid: string): Promise<{ parent: number; ticks: number } | undefined> {
  try {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
    // The name, in brackets, may hold anything; behind it are the fields of proc(5) from the third on.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ").map(Number);
    return { parent: fields[1] ?? 0, ticks: (fields[11] ?? 0) + (fields[12] ?? 0) };
  } catch {
    return undefined; // it has ended
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
