/**
 * The grammar of `WWW-Authenticate` and nothing more, to compare the client's reader with. For tests
 * only.
 *
 * @module
 */
import type { Challenge } from "../oci/challenge.ts";

const TOKEN = "[A-Za-z0-9!#$%&'*+.^_`|~-]+";
const TOKEN68 = "[A-Za-z0-9._~+/-]+=*";
const QUOTED = String.raw`"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"`;
const PARAMETER = new RegExp(`^(${TOKEN})[ \\t]*=[ \\t]*(${TOKEN}|${QUOTED})$`);
const WITH_PARAMETER = new RegExp(`^(${TOKEN}) +(${TOKEN}[ \\t]*=[ \\t]*(?:${TOKEN}|${QUOTED}))$`);
const WITHOUT = new RegExp(`^(${TOKEN})(?: +${TOKEN68})?$`);
const ELEMENTS = new RegExp(`(?:[^",]|${QUOTED})*`, "y");

interface Part {
  readonly scheme: string;
  readonly parameters: Map<string, string>;
}

/**
 * The challenge to answer in a header that keeps to RFC 9110 §11.6.1; `malformed` for any other. That
 * there is none to answer is `none`.
 */
export function strictChallenge(header: string): Challenge | "none" | "malformed" {
  const parts: Part[] = [];
  for (const element of elementsOf(header) ?? [":"]) {
    if (element === "") continue;
    if (!take(parts, element)) return "malformed";
  }
  const bearer = parts.find(({ scheme, parameters }) =>
    scheme === "bearer" && parameters.has("realm")
  );
  if (bearer === undefined) {
    return parts.some(({ scheme }) => scheme === "basic") ? { scheme: "basic" } : "none";
  }
  const { realm = "", service, scope } = Object.fromEntries(bearer.parameters);
  return {
    scheme: "bearer",
    realm,
    ...(service === undefined ? {} : { service }),
    ...(scope === undefined ? {} : { scope }),
  };
}

/** What stands between the commas that are not in quotes. */
function elementsOf(header: string): string[] | undefined {
  const elements: string[] = [];
  for (let at = 0; at <= header.length;) {
    ELEMENTS.lastIndex = at;
    const [element = ""] = ELEMENTS.exec(header) ?? [];
    at += element.length;
    if (at < header.length && header[at] !== ",") return undefined;
    elements.push(element.replace(/^[ \t]+|[ \t]+$/g, ""));
    at++;
  }
  return elements;
}

function take(parts: Part[], element: string): boolean {
  const last = parts.at(-1);
  const parameter = PARAMETER.exec(element);
  if (parameter !== null) {
    return last !== undefined && last.parameters.size > 0 && add(last, parameter);
  }
  const first = WITH_PARAMETER.exec(element);
  const [, scheme] = first ?? WITHOUT.exec(element) ?? [];
  if (scheme === undefined) return false;
  const part = { scheme: scheme.toLowerCase(), parameters: new Map<string, string>() };
  parts.push(part);
  return first === null || add(part, PARAMETER.exec(first[2]!)!);
}

/** A name may occur once. */
function add({ parameters }: Part, [, name, value]: RegExpExecArray): boolean {
  const key = name!.toLowerCase();
  if (parameters.has(key)) return false;
  const text = value!.startsWith('"') ? value!.slice(1, -1).replace(/\\(.)/g, "$1") : value!;
  parameters.set(key, text);
  return true;
}
