import { pathOf, print, Trouble } from "../call.ts";
import { look } from "../walk.ts";
import { LoopJump, ShellExit } from "./jumps.ts";
import type { ShellState, Streams } from "./state.ts";

/** A command that changes the shell itself. */
export type SpecialCommand = (
  shell: ShellState,
  args: readonly string[],
  streams: Streams,
) => Promise<number>;

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The commands that no program could be. */
export const SPECIAL_COMMANDS: ReadonlyMap<string, SpecialCommand> = new Map(
  Object.entries(
    {
      ":": () => Promise.resolve(0),
      break: (_shell, args) => Promise.reject(new LoopJump("break", levels(args))),
      cd,
      continue: (_shell, args) => Promise.reject(new LoopJump("continue", levels(args))),
      exit: (shell, args) => Promise.reject(new ShellExit(codeOf(args[0], shell.code))),
      export: exportNames,
      read: readLine,
      set,
      shift: (shell, args) => {
        shell.args = shell.args.slice(codeOf(args[0], 1));
        return Promise.resolve(0);
      },
      unset: (shell, args) => {
        for (const name of args) {
          shell.variables.delete(name);
          shell.exported.delete(name);
        }
        return Promise.resolve(0);
      },
    } satisfies Record<string, SpecialCommand>,
  ),
);

async function cd(shell: ShellState, [name]: readonly string[]): Promise<number> {
  const { variables } = shell;
  const wanted = name === "-" ? variables.get("OLDPWD") : name ?? variables.get("HOME") ?? "/";
  if (wanted === undefined) throw new Trouble("cd: there is no folder before this one");
  const path = normalized(pathOf(shell, wanted));
  const kind = look(shell.call.view, path)?.kind;
  if (kind !== "folder") {
    throw new Trouble(
      `cd: ${wanted}: ${kind === undefined ? "No such file or directory" : "Not a directory"}`,
    );
  }
  variables.set("OLDPWD", shell.cwd);
  variables.set("PWD", path);
  shell.cwd = path;
  return await Promise.resolve(0);
}

function normalized(path: string): string {
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return `/${names.join("/")}`;
}

async function exportNames(
  shell: ShellState,
  args: readonly string[],
  { stdout }: Streams,
): Promise<number> {
  for (const arg of args) {
    const equals = arg.indexOf("=");
    const name = equals < 0 ? arg : arg.slice(0, equals);
    if (!NAME.test(name)) throw new Trouble(`export: "${name}" is no name of a variable`);
    if (equals >= 0) shell.variables.set(name, arg.slice(equals + 1));
    shell.exported.add(name);
  }
  if (args.length > 0) return 0;
  for (const name of shell.exported) {
    await print(stdout, `export ${name}="${shell.variables.get(name) ?? ""}"\n`);
  }
  return 0;
}

/** `set -e`, `set +e`, and `set -- ARGS`. */
function set(shell: ShellState, args: readonly string[]): Promise<number> {
  for (const [index, arg] of args.entries()) {
    if (arg === "--") {
      shell.args = args.slice(index + 1);
      break;
    }
    if (arg === "-e" || arg === "+e") shell.exitsOnError = arg === "-e";
    else throw new Trouble(`set: there is no "${arg}" here`, 2);
  }
  return Promise.resolve(0);
}

/** `read [-r] NAME...`: one line of standard input; answers 1 at its end. */
async function readLine(
  shell: ShellState,
  args: readonly string[],
  { stdin }: Streams,
): Promise<number> {
  const names = args.filter((arg) => arg !== "-r");
  if (!names.every((name) => NAME.test(name))) {
    throw new Trouble("read: it needs names of variables");
  }
  const line = await stdin.line();
  const words = (line ?? "").split(/[ \t]+/).filter((word) => word !== "");
  for (const [index, name] of names.entries()) {
    const isLast = index === names.length - 1;
    shell.variables.set(name, isLast ? words.slice(index).join(" ") : words[index] ?? "");
  }
  return line === undefined ? 1 : 0;
}

function levels([text]: readonly string[]): number {
  return Math.max(1, codeOf(text, 1));
}

function codeOf(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (!/^\d{1,9}$/.test(text)) throw new Trouble(`"${text}" is not a number`, 2);
  return Number(text) & 0xff;
}
