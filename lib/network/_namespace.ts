/**
 * Network namespaces for tests: a kernel's network of their own, with nobody else in it.
 *
 * @module
 */
import assert from "node:assert/strict";

/** Why {@linkcode inNamespace} cannot be used here; undefined if it can. */
export function namespaceFault(): string | undefined {
  if (Deno.build.os !== "linux") return "this is not Linux";
  try {
    const { success, stderr } = new Deno.Command("unshare", {
      args: ["-rn", "ip", "link", "set", "lo", "up"],
      stdout: "null",
    }).outputSync();
    return success ? undefined : new TextDecoder().decode(stderr).trim();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** How a script is run. */
export interface NamespaceOptions {
  /** Commands of a shell before it. @default {only the loopback interface is up} */
  readonly before?: string;
  /** A command that runs the script. @default {the shell} */
  readonly inner?: readonly string[];
  /** Flags of `unshare` besides `-r`. @default {a network namespace} */
  readonly flags?: readonly string[];
}

/**
 * Runs a TypeScript module, given by its text, in a new network namespace in which it may do everything; answers the
 * JSON that it prints. Its imports are relative to this folder.
 */
export async function inNamespace(
  source: string,
  options: NamespaceOptions = {},
): Promise<unknown> {
  const { before = "true", inner = [], flags = ["-n"] } = options;
  const folder = new URL(".", import.meta.url);
  const module = source.replaceAll(/from "\.\//g, `from "${folder.href}`);
  const dir = await Deno.makeTempDir();
  try {
    const path = `${dir}/script.ts`;
    await Deno.writeTextFile(path, module);
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const deno = [Deno.execPath(), "run", "-A", "--quiet", "--no-check", `--config=${config}`];
    const shell = `ip link set lo up 2>/dev/null; ${before} && exec "$@"`;
    const { success, stdout, stderr } = await new Deno.Command("unshare", {
      args: ["-r", ...flags, "sh", "-c", shell, "sh", ...inner, ...deno, path],
    }).output();
    const [text, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assert.ok(success, errors ?? "");
    return JSON.parse(text ?? "");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}
