/**
 * Reads the pages of the documentation: blocks of code, headings, links.
 *
 * @module
 */
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository that is tested. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** One fenced block of code. */
export interface Block {
  /** The word behind the fence, as `sh`; empty without one. */
  readonly language: string;
  /** What it needs that a test does not have, by its words `needs=…` behind the language. */
  readonly needs: readonly string[];
  /** Without the indentation of the fence. */
  readonly text: string;
  /** The last heading of the second level above it; empty if there is none. */
  readonly section: string;
  /** Where the fence is: `docs/run.md:8`. */
  readonly place: string;
}

/** A page, without what is of no interest here. */
export interface Page {
  /** As `docs/run.md`. */
  readonly path: string;
  readonly blocks: readonly Block[];
  /** What a link can have behind its `#`. */
  readonly anchors: ReadonlySet<string>;
  /** What links lead to, as they are written. */
  readonly links: readonly string[];
  /** What stands between single backticks. */
  readonly quotes: readonly string[];
}

/** The README and all pages in `docs/`. */
export async function documentation(): Promise<Page[]> {
  const names = await Array.fromAsync(Deno.readDir(join(ROOT, "docs")), ({ name }) => name);
  const pages = names.filter((name) => name.endsWith(".md")).sort().map((name) => `docs/${name}`);
  return await Promise.all(["README.md", ...pages].map(readPage));
}

/** Reads one page of the repository. */
export async function readPage(path: string): Promise<Page> {
  return parsePage(path, await Deno.readTextFile(join(ROOT, path)));
}

/** Takes a page's text apart. */
export function parsePage(path: string, text: string): Page {
  const blocks: Block[] = [];
  const prose: string[] = [];
  let open: { indent: string; fence: string; info: string; line: number } | undefined;
  let lines: string[] = [];
  let section = "";
  for (const [index, line] of text.split("\n").entries()) {
    const [, indent = "", fence = "", info = ""] = /^( *)(`{3,})(.*)$/.exec(line) ?? [];
    if (open === undefined && fence !== "") {
      open = { indent, fence, info: info.trim(), line: index + 1 };
      lines = [];
    } else if (open !== undefined && fence === open.fence && info === "") {
      const place = { section, place: `${path}:${open.line}` };
      blocks.push({ ...blockOf(open.info, place), text: lines.join("\n") });
      open = undefined;
    } else if (open !== undefined) lines.push(line.slice(open.indent.length));
    else {
      section = /^## +(.+)$/.exec(line)?.[1] ?? section;
      prose.push(line);
    }
  }
  if (open !== undefined) throw new Error(`${path}:${open.line}: the block does not end`);
  return { path, blocks, ...wordsOf(prose.join("\n")) };
}

function blockOf(info: string, where: Pick<Block, "place" | "section">): Omit<Block, "text"> {
  const [language = "", ...words] = info.split(/\s+/);
  const needs = words.map((word) => /^needs=(\S+)$/.exec(word)?.[1]);
  if (needs.includes(undefined)) {
    throw new Error(`${where.place}: "${info}" says more than needs=…`);
  }
  return { language, needs: needs.map(String), ...where };
}

function wordsOf(prose: string): Pick<Page, "anchors" | "links" | "quotes"> {
  const headings = [...prose.matchAll(/^#+ +(.+)$/gm)].map(([, heading = ""]) => heading);
  const quotes = [...prose.matchAll(/`([^`]+)`/g)].map(([, quote = ""]) => quote);
  const bare = prose.replaceAll(/`[^`]+`/g, "");
  const links = [...bare.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  return { anchors: anchorsOf(headings), links, quotes };
}

/** Headings that are there again have `-1`, `-2` and so on behind them. */
function anchorsOf(headings: readonly string[]): Set<string> {
  const anchors = new Set<string>();
  for (const heading of headings) {
    const anchor = anchorOf(heading);
    let unique = anchor;
    for (let again = 1; anchors.has(unique); again++) unique = `${anchor}-${again}`;
    anchors.add(unique);
  }
  return anchors;
}

/** As GitHub names a heading: small letters, without marks, `-` for spaces. */
export function anchorOf(heading: string): string {
  const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1");
  return text.trim().toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-");
}

/** Why a link of the page leads nowhere; `undefined` if it leads somewhere, or out of the repository. */
export async function brokenLink(page: Page, target: string): Promise<string | undefined> {
  if (/^(https?|mailto):/.test(target)) return undefined;
  const [file = "", anchor] = target.split("#");
  let there = page;
  if (file !== "") {
    const path = join(dirname(page.path), file);
    if (relative(ROOT, join(ROOT, path)).startsWith("..")) return `${target}: leads out`;
    const found = await Deno.stat(join(ROOT, path)).catch(() => undefined);
    if (found === undefined) return `${target}: there is no ${path}`;
    if (anchor === undefined) return undefined;
    there = await readPage(path);
  }
  const anchors = there.anchors;
  return anchors.has(anchor ?? "") ? undefined : `${target}: ${there.path} has no such heading`;
}
