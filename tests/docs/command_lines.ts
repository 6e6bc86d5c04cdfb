/**
 * Takes blocks of commands apart.
 *
 * @module
 */
import type { Block } from "./page.ts";

/** What a command in the documentation may need that no test has: the closed list of `needs=…`. */
export const NEEDS: Readonly<Record<string, string>> = {
  "a-cloud": "an account with a cloud",
  "cluster": "a cluster of the reader's; `tests/guides_test.ts` runs these programs beside one",
  "cosign": "the program cosign, and a key",
  "denort": "Deno's base runtime for compiled programs",
  "hours": "more time than all the tests together; it is one of the project's own tasks",
  "kind": "Docker, and kind",
  "kubeadm": "a cluster made by kubeadm",
  "k3s": "root, and a machine for k3s",
  "landlock": "a kernel with Landlock",
  "macos": "macOS, and root",
  "minikube": "Docker or a hypervisor, and minikube",
  "openssl": "the program openssl",
  "pods": "a cluster with a container runtime; `tests/deploy_test.ts` does the same without one",
  "podman": "a program that builds container images",
  "root": "root's rights on the machine",
  "runtimes": "the runtimes of all platforms in a folder",
  "systemd": "a machine with systemd, and root",
  "windows": "Windows",
};

/** The languages of blocks that a reader is meant to type. */
export const TYPED: readonly string[] = ["sh", "console", "powershell"];

/** One command, and what the page says that it prints. */
export interface Command {
  /** As it would be typed, several lines included. */
  readonly line: string;
  /** `undefined` if the page does not say. */
  readonly output: string | undefined;
  readonly place: string;
}

/** The commands of a block: each line of `sh`, each `$ ` of `console`, with what follows it. */
export function commandsOf({ language, text, place }: Block): Command[] {
  if (language === "console") return session(text, place);
  return statements(text).map((line) => ({ line, output: undefined, place }));
}

function session(text: string, place: string): Command[] {
  const [before = "", ...parts] = text.split(/^\$ /m);
  if (before.trim() !== "") throw new Error(`${place}: output without a command`);
  return parts.map((part) => {
    const [line = "", ...more] = statements(part, true);
    const output = more.join("\n").trim();
    return { line, output, place };
  });
}

/** Joins what belongs together: continued lines, here-documents. Comments and empty lines go. */
function statements(text: string, isSession = false): string[] {
  const lines = text.split("\n");
  const found: string[] = [];
  for (let i = 0; i < lines.length; i++) {
    let line = lines[i]!;
    if (isSession && found.length > 0) {
      found.push(line);
      continue;
    }
    if (/^\s*(#|$)/.test(line)) continue;
    while (line.endsWith("\\") && i + 1 < lines.length) line += `\n${lines[++i]}`;
    const end = /<<'?(\w+)'?/.exec(line)?.[1];
    if (end !== undefined) {
      do line += `\n${lines[++i]}`; while (lines[i] !== end && i < lines.length);
    }
    found.push(line);
  }
  return found;
}

/** The calls of krustlet in a command line, each without what stands before the program's own words. */
export function krustletCalls(line: string): string[][] {
  const [head = ""] = line.split(/\n(?<!\\\n)/);
  const calls: string[][] = [];
  for (const part of segments(wordsOf(head.replaceAll("\\\n", " ")))) {
    const words = part[0] === "cat" ? [] : part;
    const at = words.findIndex((word) => /^(.*\/)?krustlet$/.test(word));
    if (at >= 0 && words.slice(0, at).every(mayPrecede)) calls.push(words.slice(at + 1));
    const from = words.findIndex((word, i) => word === "task" && words[i + 1] === "start");
    if (from >= 0) calls.push(words.slice(from + 2));
  }
  return calls;
}

/** `sudo`, `exec`, `systemd-run --user -p Delegate=yes`, variables. */
function mayPrecede(word: string): boolean {
  return /^(sudo|exec|systemd-run|nohup|-.*|[A-Za-z_]+=.*)$/.test(word);
}

function segments(words: readonly string[]): string[][] {
  const all: string[][] = [[]];
  for (const word of words) {
    if (["|", "&&", "||", ";", "&"].includes(word)) all.push([]);
    else all.at(-1)!.push(word);
  }
  return all;
}

/** The words of one line as a shell sees them, but for variables; a comment ends the line. */
export function wordsOf(line: string): string[] {
  const words = line.matchAll(/("[^"]*"|'[^']*'|[^\s"'|&;]+)+|\|\||&&|[|&;]/g);
  const found: string[] = [];
  for (const [word] of words) {
    if (word.startsWith("#")) break;
    found.push(word.replaceAll(/["']/g, ""));
  }
  return found;
}
