/** The names of the builtins. This file needs nothing, so that whoever only asks loads nothing. */
export const BUILTIN_NAMES = [
  "[",
  "cat",
  "cp",
  "date",
  "echo",
  "env",
  "false",
  "find",
  "grep",
  "head",
  "id",
  "ls",
  "mkdir",
  "mv",
  "printenv",
  "pwd",
  "rm",
  "rmdir",
  "sh",
  "sleep",
  "stat",
  "tail",
  "tar",
  "test",
  "touch",
  "true",
  "wc",
] as const;

/** One of them. */
export type BuiltinName = typeof BUILTIN_NAMES[number];

/** Folders in which people expect such programs: `/bin/sh` is one of them as well. */
const FOLDERS = ["/bin", "/usr/bin", "/sbin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];

/** The builtin that argv[0] names: by its name alone, or by the path that it usually has. */
export function builtinName(program: string): BuiltinName | undefined {
  const cut = program.lastIndexOf("/");
  if (cut >= 0 && !FOLDERS.includes(program.slice(0, cut))) return undefined;
  const name = program.slice(cut + 1);
  return BUILTIN_NAMES.find((one) => one === name);
}
