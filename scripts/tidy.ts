/**
 * House rules that no other tool checks.
 *
 *     deno run --allow-read --allow-run scripts/tidy.ts
 *
 * @module
 */
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** Lines of a file before somebody has to look again; a generated table would say why it is longer. */
const FILE_LINES_MAX = 500;

/** One rule: says what is wrong with a file, or nothing. */
interface Rule {
  readonly files: RegExp;
  check(path: string, text: string): string | undefined;
}

const RULES: readonly Rule[] = [
  {
    files: /\.ts$/,
    check: (_path, text) => {
      const lines = text.split("\n").length;
      return lines > FILE_LINES_MAX ? `has ${lines} lines: split it` : undefined;
    },
  },
  {
    files: /^(?!scripts\/tidy\.ts$).*\.(ts|go)$/,
    check: (_path, text) => found(text, /\b(TODO|FIXME|XXX)\b|not implemented/),
  },
  {
    files: /^(?!scripts\/tidy\.ts$).*\.ts$/,
    check: (_path, text) => found(text, /\bas any\b|: any\b|@ts-ignore|deno-lint-ignore/),
  },
  {
    files: /^(?!scripts\/tidy\.ts$).*\.ts$/,
    check: (_path, text) => found(text, /ignore: *true|Deno\.test\.ignore|\.skip\(|test\.todo/),
  },
  {
    files: /\/mod\.ts$/,
    check: (_path, text) =>
      text.startsWith("/**") && text.includes("@module")
        ? undefined
        : "opens with no module comment",
  },
  {
    files: /^deno\.lock$/,
    check: (_path, text) => found(text, /"tarball"|https?:\/\//),
  },
  {
    files: /^docs\/.*\.md$/,
    check: (_path, text) => {
      const named = [
        ...text.matchAll(/`((?:certs|demos|lib|providers|scripts|tests|wasi)\/[\w./-]+\.\w+)`/g),
      ];
      const missing = new Set(named.map((match) => match[1]!).filter((path) => !exists(path)));
      return missing.size === 0 ? undefined : `names files that do not exist: ${[...missing]}`;
    },
  },
  {
    files: /^\.github\/ARCHITECTURE\.md$/,
    check: (_path, text) => {
      const named = [...text.matchAll(/`((?:[\w.-]+\/)+)`/g)].map((match) => match[1]!);
      const missing = named.filter((folder) => !exists(folder));
      return missing.length === 0 ? undefined : `names folders that do not exist: ${missing}`;
    },
  },
];

function found(text: string, pattern: RegExp): string | undefined {
  const index = text.search(pattern);
  if (index < 0) return undefined;
  const line = text.slice(0, index).split("\n").length;
  return `line ${line}: "${text.slice(index).split("\n")[0]!.slice(0, 60)}"`;
}

function exists(path: string): boolean {
  try {
    Deno.statSync(`${ROOT}/${path}`);
    return true;
  } catch {
    return false;
  }
}

const { stdout } = await new Deno.Command("git", {
  args: ["ls-files", "--cached", "--others", "--exclude-standard"],
  cwd: ROOT,
}).output();
let wrong = 0;
const paths = new TextDecoder().decode(stdout).split("\n").filter((path) => exists(path) && path);
for (const path of paths) {
  const rules = RULES.filter(({ files }) => files.test(path));
  if (rules.length === 0) continue;
  const text = Deno.readTextFileSync(`${ROOT}/${path}`);
  for (const rule of rules) {
    const problem = rule.check(path, text);
    if (problem === undefined) continue;
    wrong++;
    console.error(`${path}: ${problem}`);
  }
}
console.log(`tidy: ${paths.length} files, ${wrong} wrong`);
Deno.exit(wrong === 0 ? 0 : 1);
