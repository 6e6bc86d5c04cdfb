/**
 * Which images a pattern stands for: host by parts, port exactly, path as a prefix.
 *
 * The rules are those that Kubernetes documents for the keys of a Docker configuration and for
 * `matchImages` of a credential provider.
 *
 * @module
 */

/** A host with an optional port and an optional path, as `*.registry.example:5000/team`. */
export interface ImagePattern {
  /** Lower case. */
  readonly host: string;
  readonly path: string;
}

/** Takes a pattern apart; a scheme in front of it says nothing. */
export function parsePattern(text: string): ImagePattern {
  const [host = "", ...path] = text.trim().replace(/^https?:\/\//i, "").split("/");
  return { host: host.toLowerCase(), path: path.join("/") };
}

/** True if the pattern's host stands for this registry. A `*` never reaches across a dot. */
export function hostMatches(pattern: string, registry: string): boolean {
  const [host, port] = splitPort(pattern);
  const [wantHost, wantPort] = splitPort(registry.toLowerCase());
  if (port !== wantPort) return false;
  const parts = host.split(".");
  const wantParts = wantHost.split(".");
  return parts.length === wantParts.length &&
    parts.every((part, i) => globMatches(part, wantParts[i]!));
}

/**
 * True if `pattern` stands for all of `text`: `*` for any characters, `?` for one, `[a-z]` and
 * `[^a-z]` for one of a set, and a backslash takes the next character as it is. A pattern that is
 * not well formed stands for nothing.
 *
 * Takes time proportional to the product of both lengths at most, whatever the pattern.
 */
export function globMatches(pattern: string, text: string): boolean {
  const tokens = tokenize(pattern);
  if (tokens === undefined) return false;
  const chars = [...text];
  let [t, c] = [0, 0];
  let [starToken, starChar] = [-1, 0];
  while (c < chars.length) {
    const token = tokens[t];
    if (token === "any") {
      [starToken, starChar] = [t++, c];
    } else if (token !== undefined && token(chars[c]!)) {
      t++;
      c++;
    } else if (starToken >= 0) {
      // The last star takes one character more; earlier ones need not be tried again.
      t = starToken + 1;
      c = ++starChar;
    } else return false;
  }
  return tokens.slice(t).every((token) => token === "any");
}

type Token = "any" | ((char: string) => boolean);

function tokenize(pattern: string): Token[] | undefined {
  const tokens: Token[] = [];
  const chars = [...pattern];
  for (let i = 0; i < chars.length; i++) {
    const char = chars[i]!;
    if (char === "*") tokens.push("any");
    else if (char === "?") tokens.push(() => true);
    else if (char === "[") {
      const set = readSet(chars, i + 1);
      if (set === undefined) return undefined;
      tokens.push(set.fits);
      i = set.end;
    } else {
      const literal = char === "\\" ? chars[++i] : char;
      if (literal === undefined) return undefined;
      tokens.push((other) => other === literal);
    }
  }
  return tokens;
}

/** The set that begins behind `[`; `end` is the index of its `]`. */
function readSet(
  chars: readonly string[],
  from: number,
): { fits: (char: string) => boolean; end: number } | undefined {
  const negated = chars[from] === "^";
  const ranges: [string, string][] = [];
  let i = negated ? from + 1 : from;
  const next = (): string | undefined => chars[i] === "\\" ? chars[(i += 2) - 1] : chars[i++];
  while (i < chars.length && !(chars[i] === "]" && ranges.length > 0)) {
    const low = next();
    let high = low;
    if (chars[i] === "-") {
      i++;
      high = next();
    }
    if (low === undefined || high === undefined || high < low) return undefined;
    ranges.push([low, high]);
  }
  if (chars[i] !== "]") return undefined;
  const inside = (char: string): boolean =>
    ranges.some(([low, high]) => low <= char && char <= high);
  return { fits: (char) => inside(char) !== negated, end: i };
}

function splitPort(host: string): [string, string] {
  const found = /^(.*?)(?::(\d+))?$/.exec(host)!;
  return [found[1]!, found[2] ?? ""];
}
