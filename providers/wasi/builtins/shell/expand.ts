import type { BuiltinCall } from "../call.ts";
import { globMatcher, isGlob } from "../glob.ts";
import { look, namesIn } from "../walk.ts";
import type { List, Part, Word } from "./syntax.ts";
import { ViewError } from "../../../../wasi/mod.ts";

/** What words stand for while a script runs. */
export interface Expansion {
  /** The value of a variable or of `?`, `#`, `1`, …; `undefined` if it is not set. */
  value(name: string): string | undefined;
  /** What `$@` stands for. */
  readonly args: readonly string[];
  /** What these commands write. */
  output(list: List): Promise<string>;
  readonly files: Pick<BuiltinCall, "view" | "cwd">;
}

/** Words that one file name pattern may stand for. */
const MATCHES_MAX = 100_000;

/** A word as it comes about: characters, and whether they were quoted. */
interface Field {
  text: string;
  /** The same, with a backslash before what was quoted. */
  pattern: string;
  hasGlob: boolean;
}

/** What a word stands for: one text, several, or none. */
export async function expandWord(word: Word, expansion: Expansion): Promise<string[]> {
  const fields: Field[] = [];
  let open: Field | undefined;
  const add = (text: string, quoted: boolean): void => {
    if (open === undefined) fields.push(open = { text: "", pattern: "", hasGlob: false });
    open.text += text;
    open.pattern += quoted ? text.replace(/[\\*?[\]]/g, "\\$&") : text;
    open.hasGlob ||= !quoted && isGlob(text);
  };
  for (const part of word) {
    if (part.is === "variable" && part.name === "@" && part.quoted) {
      for (const [index, arg] of expansion.args.entries()) {
        if (index > 0) open = undefined;
        add(arg, true);
      }
      continue;
    }
    const text = await textOf(part, expansion);
    if (part.is === "text" || part.quoted) {
      if (text !== "" || part.quoted) add(text, part.quoted);
      continue;
    }
    // What was not quoted is taken apart at its blanks.
    for (const [index, piece] of text.split(/[ \t\n]+/).entries()) {
      if (index > 0) open = undefined;
      if (piece !== "") add(piece, false);
    }
  }
  return fields.flatMap((field) => field.hasGlob ? fileNames(field, expansion) : [field.text]);
}

/** What a word stands for as one text, as behind `=` or `>`. */
export async function expandText(word: Word, expansion: Expansion): Promise<string> {
  let text = "";
  for (const part of word) text += await textOf(part, expansion);
  return text;
}

async function textOf(part: Part, expansion: Expansion): Promise<string> {
  if (part.is === "text") return part.text;
  if (part.is === "command") return (await expansion.output(part.list)).replace(/\n+$/, "");
  const { name, change } = part;
  const value = name === "@" || name === "*" ? expansion.args.join(" ") : expansion.value(name);
  if (change === undefined) return value ?? "";
  if (change.how === "#") return String(value?.length ?? 0);
  const isSet = change.how.startsWith(":") ? (value ?? "") !== "" : value !== undefined;
  const wantsWord = change.how.endsWith("-") ? !isSet : isSet;
  if (wantsWord) return await expandText(change.word, expansion);
  return change.how.endsWith("-") ? value ?? "" : "";
}

/** The names of files that fit, sorted; the pattern itself if none does. */
function fileNames({ text, pattern }: Field, { files }: Expansion): string[] {
  let paths = [pattern.startsWith("/") ? "/" : ""];
  for (const part of pattern.split("/").filter((name) => name !== "")) {
    paths = paths.flatMap((folder) => step(folder, part, files)).slice(0, MATCHES_MAX);
  }
  const found = paths.filter((path) => path !== "" && path !== "/");
  return found.length === 0 ? [text] : found.sort();
}

function step(folder: string, part: string, { view, cwd }: Expansion["files"]): string[] {
  const before = folder === "" || folder === "/" ? folder : `${folder}/`;
  const place = folder.startsWith("/") ? folder : `${cwd}/${folder}`;
  try {
    if (!isGlob(part.replace(/\\./g, ""))) {
      const name = part.replace(/\\(.)/g, "$1");
      const there = look(view, `${place}/${name}`, { follow: false });
      return there === undefined ? [] : [before + name];
    }
    const fits = globMatcher(part);
    return namesIn(view, place)
      .filter((name) => (part.startsWith(".") || !name.startsWith(".")) && fits(name))
      .map((name) => before + name);
  } catch (error) {
    if (error instanceof ViewError) return []; // what is no folder holds nothing that fits
    throw error;
  }
}
