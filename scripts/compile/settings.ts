/**
 * What is fixed in a compiled binary: its permissions, flags and runtime. Nothing of it can be changed when
 * it is started.
 *
 * @module
 */
import { binaryV8Flags } from "../../providers/wasi/mod.ts";
import { PERMISSIONS } from "../package/launcher.ts";

/** Files that are started by their names, which no import leads the compiler to. */
export const STARTED_BY_NAME = [
  "providers/wasi/guest_main.js",
  "providers/wasi/shared_guest_worker.js",
  "providers/wasi/scoped_guest_worker.js",
  "wasi/threads/guest_thread_worker.js",
] as const;

/** A platform as `deno compile --target` names it, by the name of its release. */
export const TRIPLES = {
  "linux-amd64": "x86_64-unknown-linux-gnu",
  "linux-arm64": "aarch64-unknown-linux-gnu",
  "darwin-amd64": "x86_64-apple-darwin",
  "darwin-arm64": "aarch64-apple-darwin",
  "windows-amd64": "x86_64-pc-windows-msvc",
  "windows-arm64": "aarch64-pc-windows-msvc",
} as const;

/** The name of a platform that there are releases for. */
export type TargetName = keyof typeof TRIPLES;

/** Throws a `RangeError` for a platform that there are no releases for. */
export function targetNamed(name: string): TargetName {
  if (Object.hasOwn(TRIPLES, name)) return name as TargetName;
  throw new RangeError(
    `Cannot compile for "${name}": there are ${Object.keys(TRIPLES).join(", ")}`,
  );
}

/** The name of a binary: `krustlet-<version>-<os>-<arch>`, on Windows with `.exe`. */
export function binaryName(target: TargetName, version: string): string {
  return `krustlet-${version}-${target}${target.startsWith("windows") ? ".exe" : ""}`;
}

/**
 * Arguments of `deno compile`, run in the bundle's folder.
 *
 * Without a code cache: the binary would read it from a name among the temporary files that everybody can
 * guess and many can write, and run what is in it.
 */
export function compileArguments(target: TargetName, output: string): string[] {
  return [
    ...["compile", "--no-check", "--no-config", "--no-lock", "--no-remote", "--no-npm"],
    ...["--cached-only", "--no-prompt", "--no-code-cache", "--unstable-worker-options"],
    ...PERMISSIONS,
    `--v8-flags=${binaryV8Flags(osOf(target)).join(",")}`,
    ...STARTED_BY_NAME.flatMap((path) => ["--include", path]),
    ...["--target", TRIPLES[target], "--output", output, "main.js"],
  ];
}

function osOf(target: TargetName): "linux" | "darwin" | "windows" {
  return target.startsWith("linux") ? "linux" : target.startsWith("darwin") ? "darwin" : "windows";
}
