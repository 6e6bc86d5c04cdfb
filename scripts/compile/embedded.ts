/**
 * What `deno compile` says that it has put into a binary, compared with what it was given.
 *
 * @module
 */

/** A line of the list: a file, or a folder with all that is in it. */
export interface Embedded {
  /** As `main.js`, or `providers/*` for a folder. */
  readonly name: string;
  /** Rounded: the list has three digits behind `KB` or `MB`. */
  readonly bytes: number;
}

/**
 * Bytes of all that is embedded in a binary: 6.7 MB when this was written, a third of it for clusters that a
 * plug-in signs in to. Whoever comes near it has embedded what no agent needs.
 */
export const EMBEDDED_BYTES_MAX = 9_000_000;

/** The sizes of the list are rounded to two digits behind the point, and MB to 10 KiB. */
const ROUNDING = 0.006;
const UNITS = { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 } as const;
const SIZE = /\(([\d.]+)(B|KB|MB|GB)(?: - [^)]*)?\)$/;

/** Reads the tree behind "Embedded Files". Throws if there is none, or a line that it does not know. */
export function parseEmbedded(output: string): Embedded[] {
  const [, tree] = /^Embedded Files\s*\n\s*\n[^\n]+\n([\s\S]*?)\n\s*\n/m.exec(output) ?? [];
  if (tree === undefined) {
    throw new Error(
      `Cannot tell what is in the binary: "deno compile" said ${JSON.stringify(output)}`,
    );
  }
  return tree.split("\n").map((line) => {
    const [, branch, text = ""] = /^([│├└─\s]*)(.*)$/.exec(line) ?? [];
    const [size, number, unit] = SIZE.exec(text) ?? [];
    if (size === undefined || branch === undefined || branch.trim().length > 3) {
      throw new Error(`Cannot tell what is in the binary: "${line}" is no line of a flat list`);
    }
    return {
      name: text.slice(0, -size.length).trim(),
      bytes: Number(number) * UNITS[unit as keyof typeof UNITS],
    };
  });
}

/** How the list differs from these files; nothing if each of them is embedded once, and nothing else. */
export function differences(
  list: readonly Embedded[],
  files: ReadonlyMap<string, string>,
): string[] {
  const wanted = new Map<string, number>();
  for (const [path, text] of files) {
    const name = path.includes("/") ? `${path.split("/")[0]}/*` : path;
    wanted.set(name, (wanted.get(name) ?? 0) + new TextEncoder().encode(text).length);
  }
  const wrong: string[] = [];
  const seen = new Set<string>();
  for (const { name, bytes } of list) {
    const expected = wanted.get(name);
    if (expected === undefined) wrong.push(`"${name}" is no file of the program`);
    else if (seen.has(name)) wrong.push(`"${name}" is there twice`);
    else if (Math.abs(bytes - expected) > Math.max(1, expected * ROUNDING)) {
      wrong.push(`"${name}" has about ${Math.round(bytes)} bytes, not ${expected}`);
    }
    seen.add(name);
  }
  for (const name of wanted.keys()) if (!seen.has(name)) wrong.push(`"${name}" is missing`);
  const total = list.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total > EMBEDDED_BYTES_MAX) {
    wrong.push(`all files have ${Math.round(total)} bytes, more than ${EMBEDDED_BYTES_MAX}`);
  }
  return wrong;
}
