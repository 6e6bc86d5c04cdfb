import type { Target } from "./targets.ts";

/** What the agent may do: all that a node does. Its guests have their own walls. */
export const PERMISSIONS: readonly string[] = ["read", "write", "net", "run", "env", "sys", "ffi"]
  .map((kind) => `--allow-${kind}`);

/** Nothing is asked, fetched or configured beside what is in the archive. */
const OPTIONS = [
  ...["--quiet", "--no-prompt", "--no-config", "--no-lock", "--no-remote", "--no-npm"],
  ...["--cached-only", "--unstable-worker-options", ...PERMISSIONS],
];

/** The file that people start: it runs the bundle by the runtime beside it. */
export function launcher({ name }: Target): { readonly path: string; readonly text: string } {
  return name.startsWith("windows")
    ? { path: "krustlet.cmd", text: WINDOWS }
    : { path: "krustlet", text: UNIX };
}

const UNIX = `#!/bin/sh
# Starts krustlet by the runtime beside it, also through links.
self=$0
while [ -L "$self" ]; do
  link=$(readlink "$self")
  case $link in
    /*) self=$link ;;
    *) self=$(dirname "$self")/$link ;;
  esac
done
home=$(CDPATH= cd -- "$(dirname -- "$self")" && pwd -P) || exit 1
export DENO_NO_UPDATE_CHECK=1
exec "$home/lib/deno" run ${OPTIONS.join(" ")} "$home/lib/main.js" "$@"
`;

const WINDOWS = `@rem Starts krustlet by the runtime beside it.\r
@setlocal\r
@set DENO_NO_UPDATE_CHECK=1\r
@"%~dp0lib\\deno.exe" run ${OPTIONS.join(" ")} "%~dp0lib\\main.js" %*\r
`;
