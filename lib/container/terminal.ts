/**
 * A terminal without a kernel's: what `kubectl exec -t` types becomes lines, is echoed, and can be taken back.
 *
 * WASI has no terminal modes, so there is one: canonical input with echo, as POSIX.1-2017, 11.1.6 has it.
 *
 * @module
 */

/** What came of some bytes that were typed. */
export interface Typed {
  /** What the guest reads now. */
  readonly input: Uint8Array;
  /** What the one who types sees of it. */
  readonly echo: Uint8Array;
  /** What it asks for beside: the end of the input (Ctrl-D), or of the program (Ctrl-C). */
  readonly asks: "end" | "interrupt" | undefined;
}

/** Bytes of a line that is not complete; Linux has as many. */
export const LINE_BYTES_MAX = 4096;

const KEY = {
  interrupt: 0x03,
  end: 0x04,
  backspace: 0x08,
  tab: 0x09,
  newline: 0x0a,
  enter: 0x0d,
  erase: 0x7f,
  eraseLine: 0x15,
  eraseWord: 0x17,
  escape: 0x1b,
} as const;
const SPACE = 0x20;

/** Keeps the line that is being typed. */
export class Terminal {
  #line: number[] = [];
  /** In a key that sends several bytes, as the arrows do: they move nothing here. */
  #escape: "none" | "begun" | "sequence" = "none";

  /** Takes what was typed. Bytes behind one that asks for the end are dropped. */
  type(bytes: Uint8Array): Typed {
    const input: number[] = [];
    const echo: number[] = [];
    for (const byte of bytes) {
      const asks = this.#key(byte, input, echo);
      if (asks !== undefined) return typed(input, echo, asks);
    }
    return typed(input, echo, undefined);
  }

  #key(byte: number, input: number[], echo: number[]): Typed["asks"] {
    if (this.#inEscape(byte)) return undefined;
    switch (byte) {
      case KEY.enter:
      case KEY.newline:
        input.push(...this.#line.splice(0), KEY.newline);
        echo.push(KEY.enter, KEY.newline);
        return undefined;
      case KEY.end:
        if (this.#line.length === 0) return "end";
        input.push(...this.#line.splice(0));
        return undefined;
      case KEY.interrupt:
        echo.push(...[..."^C\r\n"].map((one) => one.charCodeAt(0)));
        if (this.#line.length === 0) return "interrupt";
        this.#line = [];
        input.push(KEY.newline); // so that whoever asked asks again
        return undefined;
      case KEY.erase:
      case KEY.backspace:
        this.#erase(echo);
        return undefined;
      case KEY.eraseLine:
        while (this.#line.length > 0) this.#erase(echo);
        return undefined;
      case KEY.eraseWord:
        while (this.#line.at(-1) === SPACE) this.#erase(echo);
        while (this.#line.length > 0 && this.#line.at(-1) !== SPACE) this.#erase(echo);
        return undefined;
      default:
        // A full line takes its end only, and others that send nothing readable are no letters.
        if (this.#line.length >= LINE_BYTES_MAX || (byte < SPACE && byte !== KEY.tab)) {
          return undefined;
        }
        this.#line.push(byte);
        echo.push(byte);
        return undefined;
    }
  }

  /** True for a byte of a key that begins with ESC. */
  #inEscape(byte: number): boolean {
    if (this.#escape === "none" && byte !== KEY.escape) return false;
    if (byte === KEY.escape) this.#escape = "begun";
    else if (this.#escape === "begun") {
      this.#escape = byte === 0x5b || byte === 0x4f ? "sequence" : "none"; // `[` and `O`
    } else if (byte >= 0x40 && byte <= 0x7e) this.#escape = "none";
    return true;
  }

  /** Takes back one character, of one byte or more. */
  #erase(echo: number[]): void {
    let byte = this.#line.pop();
    if (byte === undefined) return;
    while (byte !== undefined && (byte & 0xc0) === 0x80) byte = this.#line.pop();
    echo.push(KEY.backspace, SPACE, KEY.backspace);
  }
}

function typed(input: number[], echo: number[], asks: Typed["asks"]): Typed {
  return { input: Uint8Array.from(input), echo: Uint8Array.from(echo), asks };
}

/** What a terminal in raw mode is to be sent: each line's end takes the cursor back to its beginning. */
export function toTerminal(bytes: Uint8Array): Uint8Array {
  let ends = 0;
  for (const byte of bytes) if (byte === KEY.newline) ends++;
  if (ends === 0) return bytes;
  const whole = new Uint8Array(bytes.length + ends);
  let at = 0;
  for (const byte of bytes) {
    if (byte === KEY.newline) whole[at++] = KEY.enter;
    whole[at++] = byte;
  }
  return whole;
}
