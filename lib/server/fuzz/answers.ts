/**
 * Reads answers as strictly as RFC 9112 writes them. For tests only.
 *
 * @module
 */
import assert from "node:assert/strict";

/** One answer. */
export interface ReadAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
  /** No other answer comes behind it. */
  readonly last: boolean;
}

const STATUS_LINE = /^HTTP\/1\.1 ([1-5]\d\d) [\t\x20-\x7e]*$/;
/** RFC 9110, sections 5.1 and 5.5. */
const HEADER_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([\t\x20-\x7e\x80-\xff]*)$/;

/** What a server has sent on one connection, as it comes. */
export class AnswerReader {
  #text = "";
  /** What was read behind an answer that has the connection for another protocol. */
  get rest(): string {
    return this.#text;
  }

  /** Takes the next bytes. */
  add(bytes: Uint8Array): void {
    // Not by a TextDecoder: its "latin1" is windows-1252, and loses bytes.
    this.#text += Buffer.from(bytes).toString("latin1");
  }

  /**
   * The next answer; `undefined` if it is not complete.
   *
   * @throws {AssertionError} for anything but an answer.
   */
  next(
    { toHead, ended }: { readonly toHead: boolean; readonly ended: boolean },
  ): ReadAnswer | undefined {
    const head = this.#text.indexOf("\r\n\r\n");
    if (head < 0) {
      if (this.#text !== "" && !"HTTP/1.1 ".startsWith(this.#text.slice(0, 9))) {
        assert.fail(`no answer: ${JSON.stringify(this.#text)}`);
      }
      return undefined;
    }
    const [first, ...lines] = this.#text.slice(0, head).split("\r\n");
    const [, status] = STATUS_LINE.exec(first!) ?? assert.fail(`no status line: ${first}`);
    const headers = headersOf(lines);
    const behind = this.#text.slice(head + 4);
    const body = bodyOf(behind, { status: Number(status), headers, toHead, ended });
    if (body === undefined) return undefined;
    this.#text = behind.slice(body.length);
    const last = headers.get("connection")?.toLowerCase() === "close";
    const text = UTF8.decode(Buffer.from(body.text, "latin1"));
    return { status: Number(status), headers, text, last };
  }
}

const UTF8 = new TextDecoder();

function headersOf(lines: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name, value] = HEADER_LINE.exec(line) ??
      assert.fail(`no header: ${JSON.stringify(line)}`);
    assert.ok(!headers.has(name!.toLowerCase()), `twice: ${name}`);
    headers.set(name!.toLowerCase(), value!);
  }
  return headers;
}

/** RFC 9112, section 6.3: how long the body is. */
function bodyOf(
  behind: string,
  { status, headers, toHead, ended }: {
    status: number;
    headers: ReadonlyMap<string, string>;
    toHead: boolean;
    ended: boolean;
  },
): { text: string; length: number } | undefined {
  const chunked = headers.get("transfer-encoding");
  const length = headers.get("content-length");
  assert.ok(chunked === undefined || length === undefined, "two lengths");
  if (toHead || status < 200 || status === 204 || status === 304) return { text: "", length: 0 };
  if (chunked !== undefined) {
    assert.equal(chunked, "chunked");
    return unchunked(behind);
  }
  if (length === undefined) {
    assert.equal(headers.get("connection")?.toLowerCase(), "close", "a body without an end");
    return ended ? { text: behind, length: behind.length } : undefined;
  }
  assert.match(length, /^\d+$/);
  if (behind.length < Number(length)) return undefined;
  return { text: behind.slice(0, Number(length)), length: Number(length) };
}

function unchunked(behind: string): { text: string; length: number } | undefined {
  let text = "";
  let at = 0;
  while (true) {
    const end = behind.indexOf("\r\n", at);
    if (end < 0) return undefined;
    assert.match(behind.slice(at, end), /^[0-9a-f]+$/i, "no length of a chunk");
    const size = Number.parseInt(behind.slice(at, end), 16);
    const next = end + 2 + size + 2;
    if (behind.length < next) return undefined;
    assert.equal(behind.slice(next - 2, next), "\r\n", "a chunk without an end");
    text += behind.slice(end + 2, end + 2 + size);
    at = next;
    if (size === 0) return { text, length: at };
  }
}
