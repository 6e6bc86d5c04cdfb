/**
 * The `WWW-Authenticate` header of a 401 (RFC 9110 §11.6.1, and the distribution project's token
 * protocol).
 *
 * @module
 */

/** How a server wants to be asked. */
export type Challenge =
  | {
    readonly scheme: "bearer";
    readonly realm: string;
    readonly service?: string;
    readonly scope?: string;
  }
  | { readonly scheme: "basic" };

/** Characters of a header that are looked at: the parser must not be a peer's playground. */
const HEADER_CHARS_MAX = 8 * 1024;

/**
 * The challenge to answer: Bearer before Basic, whatever their order. Undefined if there is none that
 * this program can answer.
 */
export function parseChallenge(header: string): Challenge | undefined {
  if (header.length > HEADER_CHARS_MAX) return undefined;
  const challenges = split(header);
  const bearer = challenges.find(({ scheme, parameters }) =>
    scheme === "bearer" && parameters.has("realm")
  );
  if (bearer !== undefined) {
    const service = bearer.parameters.get("service");
    const scope = bearer.parameters.get("scope");
    return {
      scheme: "bearer",
      realm: bearer.parameters.get("realm")!,
      ...(service === undefined ? {} : { service }),
      ...(scope === undefined ? {} : { scope }),
    };
  }
  return challenges.some(({ scheme }) => scheme === "basic") ? { scheme: "basic" } : undefined;
}

interface Part {
  readonly scheme: string;
  readonly parameters: Map<string, string>;
}

/** One sticky match per step, so the time is linear in the header's length. */
function split(header: string): Part[] {
  const parts: Part[] = [];
  STEP.lastIndex = 0;
  for (let match = STEP.exec(header); match !== null; match = STEP.exec(header)) {
    const [, word, quoted, plain] = match;
    const value = quoted?.replace(/\\(.)/g, "$1") ?? plain;
    if (value === undefined) parts.push({ scheme: word!.toLowerCase(), parameters: new Map() });
    else parts.at(-1)?.parameters.set(word!.toLowerCase(), value);
  }
  return parts;
}

const VALUE = String.raw`[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))`;
/** What some schemes have in the place of parameters (`token68`), as `Negotiate oYH/…==`. */
const DATA = String.raw`[ \t]+[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))`;
/** A parameter with its value, or a scheme. */
const STEP = new RegExp(`[\\s,]*([A-Za-z0-9!#$%&'*+.^_\`|~-]+)(?:${VALUE}|${DATA})?`, "y");
