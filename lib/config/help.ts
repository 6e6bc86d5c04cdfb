/**
 * Prints the help of a command from its table of options.
 *
 * @module
 */
import type { Option, OptionTable } from "./option.ts";

/** What the help of a command says. Everything but `usage` may be left out. */
export interface HelpPage {
  /** As `krustlet run [OPTIONS] FILE…`. */
  readonly usage: string;
  /** What the command does: a sentence or a paragraph. */
  readonly about?: string;
  /** Commands below this one, with a sentence each. */
  readonly commands?: Readonly<Record<string, string>>;
  readonly options?: OptionTable;
  /** Command lines, each with what it does. */
  readonly examples?: readonly { readonly line: string; readonly does: string }[];
  /** Paragraphs at the end. */
  readonly notes?: readonly string[];
}

/** Columns of a narrow terminal, and of a page of documentation. */
const WIDTH = 90;
/** Where the sentences begin. */
const INDENT = 10;

/** The help of a command, for people, at most 90 columns wide. Ends with a line break. */
export function helpText(page: HelpPage): string {
  const parts = [`Usage: ${page.usage}`];
  if (page.about !== undefined) parts.push(wrap(page.about, 0));
  if (page.commands !== undefined) parts.push(`Commands:\n${commandLines(page.commands)}`);
  const groups = Map.groupBy(Object.values(page.options ?? {}), (option) => option.group);
  for (const [group, options] of groups) {
    parts.push(`${group}:\n${options.map(optionLines).join("\n")}`);
  }
  if (page.examples !== undefined) {
    const lines = page.examples.map(({ line, does }) => `  ${line}\n${wrap(does, INDENT)}`);
    parts.push(`Examples:\n${lines.join("\n")}`);
  }
  for (const note of page.notes ?? []) parts.push(wrap(note, 0));
  return parts.join("\n\n") + "\n";
}

function commandLines(commands: Readonly<Record<string, string>>): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length)) + 4;
  return Object.entries(commands)
    .map(([name, does]) => `  ${name}`.padEnd(width) + wrap(does, width).trimStart())
    .join("\n");
}

function optionLines(option: Option<unknown>): string {
  const short = option.short === undefined ? "    " : `-${option.short}, `;
  const value = option.kind.placeholder === "" ? "" : ` ${option.kind.placeholder}`;
  return [`  ${short}--${option.flag}${value}`, wrap(option.help, INDENT), ...details(option)].join(
    "\n",
  );
}

function details(option: Option<unknown>): string[] {
  const said: string[] = [];
  if (option.env !== undefined) said.push(`env: ${option.env}`);
  if (option.key !== undefined) said.push(`key: ${option.key}`);
  const fixed = option.default === undefined ? undefined : option.kind.toText(option.default);
  const fallback = option.defaultText ?? (fixed === "" ? "none" : fixed);
  if (fallback !== undefined && option.kind.placeholder !== "") said.push(`default: ${fallback}`);
  return said.length === 0 ? [] : [wrap(`[${said.join("; ")}]`, INDENT)];
}

function wrap(text: string, indent: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter((part) => part !== "")) {
    if (line !== "" && indent + line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines.map((part) => " ".repeat(indent) + part).join("\n");
}
