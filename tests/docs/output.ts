/**
 * Compares what a page says that a command prints with what it has printed.
 *
 * @module
 */

/** Two texts that stand for each other: what the page says, and what it is here. */
export type Substitutes = readonly (readonly [documented: string, real: string])[];

/** Puts what is real in the place of what is documented. */
export function substitute(text: string, substitutes: Substitutes): string {
  return substitutes.reduce((sum, [documented, real]) => sum.replaceAll(documented, real), text);
}

/**
 * The pattern of an output as it is documented: `…` stands for any text of a line, and a line of its
 * own for any number of lines; a time as `12s` for any time; and columns may be wider or narrower.
 */
export function outputPattern(documented: string): RegExp {
  if (documented.trim() === "") return /^\n$/;
  const lines = documented.trim().split("\n").map((line) =>
    line.trim() === "…" ? "(?:.*\\n)*?" : `${linePattern(line.trimEnd())}[ \\t]*\\n`
  );
  return new RegExp(`^${lines.join("")}$`);
}

function linePattern(line: string): string {
  const parts = line.split(/(…|\b\d+m?\d*s\b|\s+)/);
  return parts.map((part) => {
    if (part === "…") return ".*";
    if (/^\d+m?\d*s$/.test(part)) return "\\d+[dhms\\d]*";
    if (/^\s+$/.test(part)) return "[ \\t]+";
    return part.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  }).join("");
}

/** True if the whole output is as documented; if its lines need not be in order, in any order. */
export function fits(
  output: string,
  documented: string,
  { inOrder = true }: { readonly inOrder?: boolean } = {},
): boolean {
  const text = inOrder ? output.trim() : sorted(output);
  return outputPattern(inOrder ? documented : sorted(documented)).test(`${text}\n`);
}

function sorted(text: string): string {
  return text.trim().split("\n").sort().join("\n");
}
