/**
 * What `krustlet --help` says that there is.
 *
 * @module
 */
import { runKrustlet } from "../harness/command.ts";

/** The commands and, for each, its flags; the empty word is the program itself. */
export type Vocabulary = ReadonlyMap<string, ReadonlySet<string>>;

/** Asks the program for all of its help. */
export async function vocabulary(): Promise<Vocabulary> {
  const own = await helpOf([]);
  const list = /^Commands:\n((?: {2}.*\n)+)/m.exec(own)?.[1] ?? "";
  const commands = [...list.matchAll(/^ {2}([a-z]+) /gm)].map(([, word = ""]) => word);
  if (commands.length === 0) throw new Error(`The help names no commands:\n${own}`);
  const all = new Map([["", flagsIn(own)]]);
  const texts = await Promise.all(commands.map((word) => helpOf([word])));
  for (const [i, word] of commands.entries()) {
    const more = word === "doctor" || word === "start" ? flagsIn(own) : [];
    all.set(word, new Set([...flagsIn(texts[i]!), ...more]));
  }
  return all;
}

async function helpOf(words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runKrustlet([...words, "--help"]);
  if (code !== 0) throw new Error(`krustlet ${words.join(" ")} --help: ${stderr}`);
  return stdout;
}

/** Flags as the help lists them: `  -n, --node-ip IP`. */
function flagsIn(help: string): Set<string> {
  const lines = help.matchAll(/^ {2}(?:(-\w), | {4})(--[a-z-]+)/gm);
  return new Set([...lines].flatMap(([, short, long = ""]) => short ? [short, long] : [long]));
}

/** What is wrong with the words behind `krustlet`; `undefined` if the program would take them. */
export function wrongWord(words: readonly string[], known: Vocabulary): string | undefined {
  const [first = ""] = words;
  const command = /^[a-z]+$/.test(first) ? first : "";
  const flags = known.get(command);
  if (flags === undefined) return `there is no command "${command}"`;
  for (const word of words) {
    if (word === "--") return undefined;
    const flag = /^(--?[A-Za-z][\w-]*)/.exec(word)?.[1];
    if (flag !== undefined && !flags.has(flag)) {
      return `krustlet ${command || "start"} has no option ${flag}`;
    }
  }
  return undefined;
}
