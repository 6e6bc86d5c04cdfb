/**
 * The specs of the target set: those that pass, and those that do not yet, with the reason.
 *
 * @module
 */

/** Every spec of the target set is in exactly one of the two. */
export interface Lists {
  /** A run fails if one of these does. */
  readonly passing: readonly string[];
  /** Each spec's reason. */
  readonly notYet: ReadonlyMap<string, string>;
}

/**
 * Reads both lists.
 *
 * @throws {Error} if one of them breaks its own rules.
 */
export async function readLists(): Promise<Lists> {
  const read = (file: string): Promise<string> =>
    Deno.readTextFile(new URL(`./${file}`, import.meta.url));
  return parseLists(await read("passing.txt"), await read("not_yet.txt"));
}

/**
 * Reads lists of one spec a line. In the second one a paragraph of lines with `#` is the reason of the
 * specs below it.
 *
 * @throws {Error} for a spec that is there twice, and for one without a reason.
 */
export function parseLists(passingText: string, notYetText: string): Lists {
  const passing = passingText.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const notYet = new Map<string, string>();
  const seen = new Set<string>();
  const once = (spec: string): void => {
    if (seen.has(spec)) throw new Error(`Cannot use the lists: "${spec}" is there twice`);
    seen.add(spec);
  };
  passing.forEach(once);
  for (const paragraph of notYetText.split(/\n\s*\n/)) {
    const lines = paragraph.split("\n").filter((line) => line !== "");
    const reason = lines.filter((line) => line.startsWith("#")).map((line) => line.slice(1).trim());
    for (const spec of lines.filter((line) => !line.startsWith("#"))) {
      if (reason.length === 0) throw new Error(`Cannot use the lists: "${spec}" has no reason`);
      once(spec);
      notYet.set(spec, reason.join(" "));
    }
  }
  return { passing, notYet };
}

/** The specs that one run is for: those that `focus` fits, or without one those that pass. */
export function chooseSpecs(
  { passing, notYet }: Lists,
  options: { readonly focus?: string; readonly all?: boolean },
): string[] {
  const { focus, all = false } = options;
  if (focus === undefined) return all ? [...passing, ...notYet.keys()] : [...passing];
  const fits = new RegExp(focus);
  const literal = (spec: string): boolean => spec.includes(focus);
  return [...passing, ...notYet.keys()].filter((spec) => literal(spec) || fits.test(spec));
}

/**
 * The regular expression (in Go's language) that fits these specs and no others.
 *
 * The suite puts its own name and a space in front of each spec's.
 */
export function focusOf(specs: readonly string[]): string {
  const escaped = specs.map((spec) => spec.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return `^Kubernetes e2e suite (${escaped.join("|")})$`;
}
