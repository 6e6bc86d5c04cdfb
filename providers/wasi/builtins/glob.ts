/**
 * Says whether a name fits a pattern: `*` any characters, `?` one, `[a-z]` and `[!a-z]` one of some, and
 * `\` takes the next character as it is. Time grows with the product of both lengths at most.
 */
export function globMatcher(pattern: string): (name: string) => boolean {
  const tokens = parseGlob(pattern);
  return (name) => matches(tokens, [...name]);
}

/** True if there is something in it that stands for other characters. */
export function isGlob(pattern: string): boolean {
  return /[*?[]/.test(pattern);
}

type Token = "any" | ((character: string) => boolean);

function parseGlob(pattern: string): Token[] {
  const characters = [...pattern];
  const tokens: Token[] = [];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at]!;
    if (character === "*") tokens.push("any");
    else if (character === "?") tokens.push(() => true);
    else if (character === "[" && characters.indexOf("]", at + 2) > 0) {
      const end = characters.indexOf("]", at + 2);
      tokens.push(oneOf(characters.slice(at + 1, end)));
      at = end;
    } else {
      const literal = character === "\\" ? characters[++at] ?? "\\" : character;
      tokens.push((other) => other === literal);
    }
  }
  return tokens;
}

function oneOf(set: readonly string[]): (character: string) => boolean {
  const not = set[0] === "!" || set[0] === "^";
  const members = not ? set.slice(1) : set;
  return (character) => {
    let found = false;
    for (let at = 0; at < members.length; at++) {
      const isRange = members[at + 1] === "-" && at + 2 < members.length;
      const last = isRange ? members[at + 2]! : members[at]!;
      found ||= character >= members[at]! && character <= last;
      if (isRange) at += 2;
    }
    return found !== not;
  };
}

/** Goes back to the last `*` only, so that no pattern takes exponential time. */
function matches(tokens: readonly Token[], name: readonly string[]): boolean {
  let [token, at, star, mark] = [0, 0, -1, 0];
  while (at < name.length) {
    const next = tokens[token];
    if (next === "any") [star, mark, token] = [token, at, token + 1];
    else if (next?.(name[at]!) === true) [token, at] = [token + 1, at + 1];
    else if (star >= 0) [token, at, mark] = [star + 1, mark + 1, mark + 1];
    else return false;
  }
  return tokens.slice(token).every((rest) => rest === "any");
}
