/**
 * Parts of this room's tests: a view of a real folder, and builtins that run in it.
 *
 * @module
 */
import { openHost, openView, type View } from "../../../wasi/mod.ts";
import { builtinName } from "./names.ts";
import { runBuiltin } from "./mod.ts";
import { type Bytes, NOTHING, type Sink, type Source } from "./streams.ts";

// A library stays open for good: opened before the first test, it looks like no leak.
await openHost();

/** What a builtin did. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly outBytes: Bytes;
}

/** How a builtin is run. */
export interface RunOptions {
  readonly stdin?: Source | string | Bytes;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly tty?: boolean;
}

/** A container's files: a root with a secret beside it, and a read-only mount. */
export class Scene implements AsyncDisposable {
  readonly folder: string;
  readonly view: View;

  private constructor(folder: string, view: View) {
    this.folder = folder;
    this.view = view;
  }

  static async open(): Promise<Scene> {
    const folder = await Deno.realPath(await Deno.makeTempDir());
    for (const name of ["root", "ro", "rw", "root/ro", "root/rw"]) {
      await Deno.mkdir(`${folder}/${name}`);
    }
    await Deno.writeTextFile(`${folder}/secret`, "secret\n");
    await Deno.writeTextFile(`${folder}/ro/data`, "data\n");
    const view = await openView({
      preopens: [
        { hostPath: `${folder}/root`, guestPath: "/", exact: true },
        { hostPath: `${folder}/ro`, guestPath: "/ro", readOnly: true, exact: true },
        { hostPath: `${folder}/rw`, guestPath: "/rw", exact: true },
      ],
    });
    return new Scene(folder, view);
  }

  /** The container's root on this machine. */
  get root(): string {
    return `${this.folder}/root`;
  }

  /** Runs one builtin to its end. */
  async run(argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
    const [program = "", ...args] = argv;
    const name = builtinName(program);
    if (name === undefined) throw new Error(`There is no builtin "${program}"`);
    const [out, err] = [new Collector(), new Collector()];
    const code = await runBuiltin(name, {
      name,
      args,
      env: new Map(Object.entries(options.env ?? {})),
      view: this.view,
      cwd: options.cwd ?? "/",
      stdin: sourceOf(options.stdin),
      stdout: out,
      stderr: err,
      tty: options.tty ?? false,
    });
    return { code, out: out.text, err: err.text, outBytes: out.bytes };
  }

  /** Runs a script. */
  async sh(script: string, options: RunOptions & { args?: readonly string[] } = {}): Promise<Ran> {
    return await this.run(["sh", "-c", script, ...options.args ?? []], options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.view[Symbol.dispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

function sourceOf(stdin: RunOptions["stdin"]): Source {
  if (stdin === undefined) return NOTHING;
  if (typeof stdin === "object" && "read" in stdin) return stdin;
  const bytes = typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin;
  return pieces([bytes].filter(({ length }) => length > 0));
}

/** A source of these pieces. */
export function pieces(all: Iterable<Bytes>): Source {
  const left = all[Symbol.iterator]();
  return {
    read(): Promise<Bytes | undefined> {
      const next = left.next();
      return Promise.resolve(next.done ? undefined : next.value);
    },
    close: () => {},
  };
}

/** Keeps what is written. */
class Collector implements Sink {
  readonly #parts: Bytes[] = [];

  write(bytes: Bytes): Promise<void> {
    this.#parts.push(bytes.slice());
    return Promise.resolve();
  }

  close(): void {}

  get bytes(): Bytes {
    const whole = new Uint8Array(this.#parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  get text(): string {
    return new TextDecoder().decode(this.bytes);
  }
}
