/**
 * Writes the tables of `docs/configuration.md` from the tables of options:
 *
 *     deno task docs:configuration
 *
 * What stands between `<!-- options: COMMAND -->` and `<!-- end -->` is replaced; a unit test fails where the
 * page is not what this would write.
 *
 * @module
 */
import { BOOTSTRAP_OPTIONS } from "./bootstrap_options.ts";
import { DOCTOR_OPTIONS } from "./doctor_options.ts";
import { KUBELET_OPTIONS } from "./kubelet_options.ts";
import type { Option, OptionTable } from "./option.ts";
import { WORDS } from "./reference_words.ts";
import { RUN_OPTIONS } from "./run_options.ts";
import { SMITE_OPTIONS } from "./smite_options.ts";
import { INSPECT_OPTIONS, PULL_OPTIONS, PUSH_OPTIONS } from "./tool_options.ts";

/** The page that the tables are on. */
export const REFERENCE = new URL("../../docs/configuration.md", import.meta.url);

/** What every command has; there is nothing to tell of it. */
const WORDLESS: ReadonlySet<string> = new Set(["help", "version"]);

/** The commands beside `start`, each with its options. */
const COMMANDS: Readonly<Record<string, OptionTable>> = {
  run: RUN_OPTIONS,
  bootstrap: BOOTSTRAP_OPTIONS,
  doctor: DOCTOR_OPTIONS,
  smite: SMITE_OPTIONS,
  push: PUSH_OPTIONS,
  pull: PULL_OPTIONS,
  inspect: INSPECT_OPTIONS,
};

/**
 * The page with its tables as they should be.
 *
 * @throws {Error} if the page lacks the marks of a command, or has those of another.
 */
export function withTables(page: string): string {
  const missing = new Set(["start", ...Object.keys(COMMANDS)]);
  const marks = /^(<!-- options: (.+) -->\n)[^]*?^(<!-- end -->)$/gm;
  const written = page.replaceAll(marks, (_all, begin: string, command: string, end: string) => {
    if (!missing.delete(command)) {
      throw new Error(`Cannot write the options of "${command}": there is no such command`);
    }
    return `${begin}\n${command === "start" ? agentTables() : commandTable(command)}\n${end}`;
  });
  if (missing.size === 0) return written;
  throw new Error(`Cannot write the options of "${[...missing].join()}": the page has no mark`);
}

function agentTables(): string {
  const groups = Map.groupBy(Object.values<Option<unknown>>(KUBELET_OPTIONS), ({ group }) => group);
  return [...groups].map(([group, options]) =>
    `### ${group}\n\n${
      table(
        ["flag", "environment", "key", "default", "what it is"],
        options.map((option) => [
          flagCell(option),
          code(option.env),
          code(option.key),
          defaultCell("start", option),
          whatCell("start", option),
        ]),
      )
    }`
  ).join("\n");
}

function commandTable(command: string): string {
  const all = Object.values<Option<unknown>>(COMMANDS[command] ?? {});
  const shared = all.filter(isShared);
  const own = all.filter((option) => !isShared(option));
  const rows = own.map((option) => [
    flagCell(option),
    defaultCell(command, option),
    whatCell(command, option),
  ]);
  const names = shared.filter(({ flag }) => !WORDLESS.has(flag)).map(sharedOption);
  const sentence = shared.length === 0
    ? ""
    : `It takes these of the agent's options: ${names.join(", ")}; and\n\n`;
  return sentence + table(["flag", "default", "what it is"], rows);
}

/** True if the agent has the same option, perhaps with another default. */
function isShared({ flag, help }: Option<unknown>): boolean {
  return agentOption(flag)?.help === help;
}

function agentOption(flag: string): Option<unknown> | undefined {
  return Object.values<Option<unknown>>(KUBELET_OPTIONS).find((option) => option.flag === flag);
}

function sharedOption(option: Option<unknown>): string {
  const fallback = fixedDefault(option);
  const agents = agentOption(option.flag);
  const same = agents === undefined || fixedDefault(agents) === fallback;
  return code(`--${option.flag}`) + (same ? "" : ` (here ${code(fallback)} by default)`);
}

function flagCell({ flag, short }: Option<unknown>): string {
  return short === undefined ? code(`--${flag}`) : `${code(`--${flag}`)}, ${code(`-${short}`)}`;
}

function defaultCell(command: string, option: Option<unknown>): string {
  const words = WORDS[`${command} --${option.flag}`]?.default ?? option.defaultText;
  if (words !== undefined) return words;
  const fixed = fixedDefault(option);
  return fixed === "none" ? fixed : code(fixed);
}

/** The text of a default that does not depend on the machine; empty if there is none. */
function fixedDefault({ default: fallback, kind, flag }: Option<unknown>): string {
  if (fallback === undefined || WORDLESS.has(flag)) return "";
  return kind.toText(fallback) || "none";
}

function whatCell(command: string, { flag, help }: Option<unknown>): string {
  return WORDS[`${command} --${flag}`]?.what ?? help.replaceAll(/(--[a-z][a-z-]*)/g, "`$1`");
}

function code(text: string | undefined): string {
  return text ? `\`${text}\`` : "";
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => {
    const padded = cells.map((cell) => cell === "" ? " " : ` ${cell.replaceAll("|", "\\|")} `);
    return `|${padded.join("|")}|\n`;
  };
  return line(head) + line(head.map(() => "---")) + rows.map(line).join("");
}

if (import.meta.main) {
  await Deno.writeTextFile(REFERENCE, withTables(await Deno.readTextFile(REFERENCE)));
}
