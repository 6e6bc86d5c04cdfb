/**
 * Requests as bytes: right ones, and those whose end nobody can be sure of. For tests only.
 *
 * @module
 */
import type { Random } from "../../fuzz/random.ts";
import { expectedOf, HIDDEN, SHOWN, TOKENS } from "./fuzzed_node.ts";
import { escaped, makeLogParams, makeName, makePath, METHODS, queryOf } from "./request_cases.ts";

/** One request, and how it must be answered. */
export interface RawRequest {
  readonly text: string;
  readonly method: string;
  readonly expected: { readonly status: number; readonly text?: string };
}

/** A body tries to be a request of its own with this path. */
export const SMUGGLED = "/smuggled";
const INNER = `GET ${SMUGGLED} HTTP/1.1\r\nhost: n\r\n\r\n`;

type Token = keyof typeof TOKENS;

/** The head of a request without its last line. */
export function headOf(
  random: Random,
  { method, target, headers }: {
    readonly method: string;
    readonly target: string;
    readonly headers: readonly (readonly [string, string])[];
  },
): string {
  const lines = headers.map(([name, value]) => {
    const cased = random.once(4) ? name.toUpperCase() : name;
    return `${cased}:${random.of(["", " ", " ", "\t "])}${value}${random.once(8) ? " " : ""}\r\n`;
  });
  return `${method} ${target} HTTP/1.1\r\n${lines.join("")}`;
}

/** Headers that every right request has. */
export function makeHeaders(random: Random, token: Token): [string, string][] {
  const headers: [string, string][] = [["host", "n"]];
  if (token !== "nobody" || random.once(2)) headers.push(["authorization", `Bearer ${token}`]);
  for (let more = random.below(3); more > 0; more--) {
    headers.push([`x-${random.word("abz-", 1, 6)}`, random.word('az09 ;,="\xfc', 0, 20).trim()]);
  }
  if (random.once(4)) headers.push(["accept-encoding", random.of(["gzip", "gzip;q=0", "*", "br"])]);
  return headers;
}

/** A target that means something: a path of the node with a query. */
function makeTarget(random: Random): { target: string; methods: readonly string[] } {
  if (random.once(8)) {
    const [name] = [random.once(2) ? random.of(SHOWN) : random.of([...HIDDEN, makeName(random)])];
    const path = name.split("/").map((part) => escaped(random, part)).join("/");
    return { target: `/logs/${path}${random.once(3) ? "/" : ""}`, methods: ["GET", "HEAD"] };
  }
  const { path, methods, route } = makePath(random);
  const params = random.once(2)
    ? []
    : route.kind === "logs"
    ? makeLogParams(random)
    : route.kind === "run"
    ? [["cmd", `${makeName(random)} ${makeName(random)}`] as const]
    : [[makeName(random), makeName(random)] as const];
  return { target: params.length === 0 ? path : `${path}?${queryOf(random, params)}`, methods };
}

/** A request that is right, whatever becomes of it. */
export function makeRequest(random: Random): RawRequest {
  const { target, methods } = makeTarget(random);
  const method = random.once(4) ? random.of(METHODS) : random.of(methods);
  const tokens = Object.keys(TOKENS) as Token[];
  const token = random.once(12) ? random.of(tokens) : "good";
  const headers = makeHeaders(random, token);
  let body = "";
  if (random.once(method === "GET" || method === "HEAD" ? 12 : 2)) {
    const inner = random.once(2) ? INNER : random.word("ab\r\n\0\xff", 0, 60);
    if (random.once(2)) {
      headers.push(["content-length", `${inner.length}`]);
      body = inner;
    } else {
      headers.push(["transfer-encoding", "chunked"]);
      body = chunked(random, inner);
    }
  }
  const text = `${headOf(random, { method, target, headers })}\r\n${body}`;
  return { text, method, expected: expectedOf({ method, target, token }) };
}

/** RFC 9112, section 7.1. */
function chunked(random: Random, text: string): string {
  let out = "";
  for (let at = 0; at < text.length;) {
    const piece = text.slice(at, at + 1 + random.below(20));
    at += piece.length;
    const size = piece.length.toString(16);
    const extension = random.once(4) ? ";name=value" : "";
    out += `${random.once(4) ? `00${size}` : size}${extension}\r\n${piece}\r\n`;
  }
  return `${out}0\r\n${random.once(4) ? "x-trailer: a\r\n" : ""}\r\n`;
}

/** Headers about which two readers could disagree, with a body that is a request to one of them. */
const DOUBTFUL: readonly (readonly [string, string])[] = [
  ["content-length: 5\r\ntransfer-encoding: chunked", `0\r\n\r\n${INNER}`],
  ["transfer-encoding: chunked\r\ncontent-length: 5", `0\r\n\r\n${INNER}`],
  ["content-length: 0\r\ncontent-length: 5", INNER],
  ["content-length: 0, 5", INNER],
  ["content-length: +0", INNER],
  ["content-length: -1", INNER],
  ["content-length: 0x0", INNER],
  ["content-length: 99999999999999999999", INNER],
  ["content-length:\r\n 0", INNER],
  ["content-length : 0", INNER],
  ["content-length\0: 0", INNER],
  ["transfer-encoding: xchunked", INNER],
  ["transfer-encoding: chunked, identity", `0\r\n\r\n${INNER}`],
  ["transfer-encoding: identity, chunked, identity", `0\r\n\r\n${INNER}`],
  ["transfer-encoding : chunked", `0\r\n\r\n${INNER}`],
  ["transfer-encoding: chunked", `-1\r\n${INNER}`],
  ["transfer-encoding: chunked", `0x0\r\n\r\n${INNER}`],
  ["transfer-encoding: chunked", `ffffffffffffffffff\r\n${INNER}`],
  ["transfer-encoding: chunked", `1\r\nxx${INNER}`],
  ["transfer-encoding: chunked", `0\n\n${INNER}`],
  ["transfer-encoding: chunked", `1;a\nb\r\nx\r\n0\r\n\r\n${INNER}`],
  ["x: a\r\n\tb\0", INNER],
  ["x: a\rb", INNER],
  [`x: ${"a".repeat(20_000)}`, INNER],
];

/** Such a request: it is refused, or its connection is closed, before somebody hears of the other one. */
export function makeDoubtful(random: Random): string {
  const [more, body] = random.of(DOUBTFUL);
  const { target } = makeTarget(random);
  const headers = makeHeaders(random, "good");
  const head = headOf(random, { method: random.of(["GET", "POST", "PUT"]), target, headers });
  return `${head}${more}\r\n\r\n${body}`;
}
