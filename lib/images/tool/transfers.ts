/**
 * How far transfers are: bars on a terminal, plain lines elsewhere.
 *
 * @module
 */
import { DRAW_MS } from "./limits.ts";

/** The streams that a command writes to. */
export interface ToolScreen {
  /** Writes all bytes, in the order of the calls, before it returns. */
  write(stream: "stdout" | "stderr", bytes: Uint8Array): void;
  /** True if a person looks at what goes to stderr. */
  readonly terminal: boolean;
  /** Width in characters, asked anew at each drawing. */
  columns(): number;
}

/** One transfer. Disposing of it takes its bar away, if it did not end. */
export interface Transfer extends Disposable {
  /** So many bytes are there, of a total that may become known late. */
  at(doneBytes: number, totalBytes?: number): void;
  /** It is over; `how` says how, as `sent`. */
  end(how: string): void;
}

interface Row {
  readonly label: string;
  doneBytes: number;
  totalBytes: number;
}

/** Characters of a bar, its ends included. */
const BAR_CHARS = 26;
/** Characters of a label that are shown at least. */
const LABEL_CHARS_MIN = 12;
const CLEAR_DOWN = "\x1b[J";
const encoder = new TextEncoder();

/** Shows transfers on stderr, so that stdout holds nothing but results. */
export class Transfers {
  readonly #screen: ToolScreen;
  readonly #quiet: boolean;
  readonly #nowMs: () => number;
  readonly #rows = new Set<Row>();
  #drawnLines = 0;
  #drawnMs = -Infinity;

  /** `quiet` shows nothing at all. */
  constructor(
    screen: ToolScreen,
    options: { readonly quiet: boolean; readonly nowMs?: () => number },
  ) {
    this.#screen = screen;
    this.#quiet = options.quiet;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /** Begins to show a transfer. On a terminal it has a bar until it ends. */
  begin(label: string, totalBytes = 0): Transfer {
    const row: Row = { label, doneBytes: 0, totalBytes };
    this.#rows.add(row);
    this.#draw();
    return {
      at: (doneBytes, totalBytes = row.totalBytes) => {
        Object.assign(row, { doneBytes, totalBytes });
        this.#draw();
      },
      end: (how) => {
        if (!this.#rows.delete(row)) return;
        this.note(`${label}  ${formatBytes(row.totalBytes)}  ${how}`);
      },
      [Symbol.dispose]: () => {
        if (this.#rows.delete(row)) this.#draw({ now: true });
      },
    };
  }

  /** Says a sentence of its own, above the bars. */
  note(text: string): void {
    if (this.#quiet) return;
    this.#clear();
    this.#write(`${text}\n`);
    this.#draw({ now: true });
  }

  /** Takes the bars away, of what was not ended too. */
  close(): void {
    this.#rows.clear();
    this.#clear();
  }

  #draw({ now = false } = {}): void {
    if (this.#quiet || !this.#screen.terminal) return;
    const atMs = this.#nowMs();
    if (!now && atMs - this.#drawnMs < DRAW_MS) return;
    this.#drawnMs = atMs;
    this.#clear();
    const columns = this.#screen.columns();
    const lines = [...this.#rows].map((row) => `${barLine(row, columns)}\n`);
    this.#write(lines.join(""));
    this.#drawnLines = lines.length;
  }

  #clear(): void {
    if (this.#drawnLines > 0) this.#write(`\x1b[${this.#drawnLines}A\r${CLEAR_DOWN}`);
    this.#drawnLines = 0;
  }

  #write(text: string): void {
    if (text !== "") this.#screen.write("stderr", encoder.encode(text));
  }
}

/** As `11.2 KiB`; up to 1023 as `7 B`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB"] as const;
  let value = bytes;
  let unit = 0;
  // 1023.95 would be printed as 1024.0.
  while (value >= (unit === 0 ? 1024 : 1023.95) && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

function barLine({ label, doneBytes, totalBytes }: Row, columns: number): string {
  const share = totalBytes === 0 ? 0 : Math.min(1, doneBytes / totalBytes);
  const room = BAR_CHARS - 2;
  const filled = Math.floor(share * room);
  const bar = `[${"=".repeat(filled)}${filled < room ? ">" : ""}${
    " ".repeat(Math.max(0, room - filled - 1))
  }]`;
  const amount = totalBytes === 0
    ? formatBytes(doneBytes)
    : `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`;
  const tail = `${bar} ${String(Math.floor(share * 100)).padStart(3)} %  ${amount}`;
  // One column stays free: a full line would wrap on some terminals, and break the count of lines.
  const wide = Math.max(LABEL_CHARS_MIN, columns - tail.length - 3);
  const name = label.length > wide ? `${label.slice(0, wide - 1)}…` : label;
  return `${name}  ${tail}`.slice(0, Math.max(1, columns - 1));
}
