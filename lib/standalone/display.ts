/**
 * What `krustlet run` shows: the guests' output, and how the pods are doing.
 *
 * @module
 */
import type { ContainerStatus, Pod, PodStatus } from "../api/types.ts";

/** Where a line of a guest goes. */
export type Stream = "stdout" | "stderr";

/** The streams that a display writes to. */
export interface Screen {
  /** Writes all bytes, in the order of the calls, before it returns. */
  write(stream: Stream, bytes: Uint8Array): void;
  /** True if a person looks: then the table is kept alive below the logs. */
  readonly terminal: boolean;
  /** True if colour is wanted. */
  readonly colour: boolean;
  /** Width in characters, asked anew at each drawing. */
  columns(): number;
}

/** Colours of the container prefixes, in turn: cyan, yellow, green, magenta, blue. */
const COLOURS = [36, 33, 32, 35, 34];
const encoder = new TextEncoder();

/** Prints log lines above a live table on a terminal, and plain lines elsewhere. */
export class Display {
  readonly #screen: Screen;
  readonly #prefixes: Map<string, string>;
  readonly #rows = new Map<string, string[][]>();
  readonly #said = new Map<string, string>();
  #drawn = 0;

  /** @param pods all pods; their containers are told apart by a prefix if there are several. */
  constructor(screen: Screen, pods: readonly Pod[]) {
    this.#screen = screen;
    this.#prefixes = prefixes(pods, screen);
  }

  /** Prints one line of a container, to the stream that it was written to. */
  line(key: string, stream: Stream, text: Uint8Array): void {
    const prefix = encoder.encode(this.#prefixes.get(key) ?? "");
    const whole = new Uint8Array(prefix.length + text.length);
    whole.set(prefix);
    whole.set(text, prefix.length);
    this.#above(() => this.#screen.write(stream, whole));
  }

  /** Prints a sentence of the agent itself, on stderr. */
  note(text: string): void {
    this.#above(() => this.#screen.write("stderr", encoder.encode(`${text}\n`)));
  }

  /** Takes a pod's newest status. */
  status(name: string, status: PodStatus): void {
    const all = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
    this.#rows.set(name, all.map((container) => describe(name, container)));
    if (this.#screen.terminal) return this.#above(() => {});
    // How a run ended is said by `ended`, when all that it wrote was shown.
    for (const container of all) {
      if (container.state.terminated === undefined) this.#say(name, container);
    }
  }

  /** Says how a run ended, once all that it wrote was shown; the table says it on a terminal. */
  ended(name: string, container: ContainerStatus): void {
    const message = container.state.terminated?.message;
    if (!this.#screen.terminal || message !== undefined) this.#say(name, container);
  }

  #say(name: string, container: ContainerStatus): void {
    const key = containerKey(name, container.name);
    const word = stateWord(container);
    if (this.#said.get(key) === word || word === "ContainerCreating") return;
    this.#said.set(key, word);
    this.note(`${key}: ${word}`);
    const message = container.state.terminated?.message;
    if (message !== undefined) this.note(message.replace(/^/gm, "  "));
  }

  /** Leaves the last table standing. */
  close(): void {
    this.#drawn = 0;
  }

  #above(print: () => void): void {
    if (!this.#screen.terminal) return print();
    if (this.#drawn > 0) this.#raw(`\x1b[${this.#drawn}A\x1b[J`);
    print();
    const rows = [...this.#rows.values()].flat();
    const table = align([["CONTAINER", "STATE", "RESTARTS"], ...rows], this.#screen.columns());
    this.#raw(rows.length === 0 ? "" : `${table.join("\n")}\n`);
    this.#drawn = rows.length === 0 ? 0 : table.length;
  }

  #raw(text: string): void {
    this.#screen.write("stderr", encoder.encode(text));
  }
}

/** The key of a container in {@linkcode Display.line}. */
export function containerKey(pod: string, container: string): string {
  return `${pod}/${container}`;
}

/** What a container's state is called: a reason, an exit code, or Running. */
export function stateWord({ state, lastState }: ContainerStatus): string {
  const { running, terminated, waiting } = state;
  if (running !== undefined) return "Running";
  if (terminated !== undefined) {
    return `${terminated.reason ?? "Terminated"} (exit code ${terminated.exitCode})`;
  }
  const before = lastState.terminated;
  const reason = waiting?.reason ?? "Waiting";
  return before === undefined ? reason : `${reason} (last exit code ${before.exitCode})`;
}

function describe(pod: string, container: ContainerStatus): string[] {
  return [containerKey(pod, container.name), stateWord(container), String(container.restartCount)];
}

function align(rows: readonly string[][], columns: number): string[] {
  const widths = [0, 1, 2].map((column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length))
  );
  return rows.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("   ").trimEnd()
      .slice(0, Math.max(columns - 1, 20))
  );
}

function prefixes(pods: readonly Pod[], { terminal, colour }: Screen): Map<string, string> {
  const keys = pods.flatMap(({ metadata, spec }) =>
    [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].map(({ name }) => ({
      key: containerKey(metadata?.name ?? "", name),
      short: pods.length === 1 ? name : containerKey(metadata?.name ?? "", name),
    }))
  );
  if (keys.length === 1 && !terminal) return new Map();
  const width = Math.max(...keys.map(({ short }) => short.length));
  return new Map(keys.map(({ key, short }, index) => {
    const text = `${short.padEnd(width)} | `;
    const code = COLOURS[index % COLOURS.length];
    return [key, colour ? `\x1b[${code}m${text}\x1b[0m` : text];
  }));
}
