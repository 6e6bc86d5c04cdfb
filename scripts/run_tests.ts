/**
 * Runs all tests, and ends with one line that counts them.
 *
 *     deno run -A scripts/run_tests.ts [--unit | --cluster] [FILTER…]
 *
 * The unit tests need nothing but Deno. The tests against a real control plane also need Go, which
 * builds the control plane, the registry and the guests once.
 *
 * @module
 */
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const UNIT = ["lib", "wasi", "certs", "providers", "scripts", "demos"];
/** Files that use one control plane at a time: more of them would wait for it, and not for each other. */
const FILES_AT_ONCE_MAX = 4;
const DENO_JOBS = Deno.env.get("DENO_JOBS") ??
  String(Math.min(navigator.hardwareConcurrency, FILES_AT_ONCE_MAX));
/** Their examples are tests. */
const DOORS = ["lib/mod.ts", "lib/krator/mod.ts", "wasi/mod.ts", "certs/mod.ts"];

interface Count {
  readonly passed: number;
  readonly failed: number;
}

/** Runs `deno test`, shows its output, and counts by its closing line. */
async function denoTest(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Count> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", ...args],
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
    env: { NO_COLOR: "1", ...env },
  }).spawn();
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of child.stdout) {
    await Deno.stdout.write(bytes);
    text = (text + decoder.decode(bytes, { stream: true })).slice(-4_096);
  }
  const { code } = await child.status;
  return countOf(text, code);
}

/** Reads `ok | 12 passed | 1 failed (3s)`. A run without that line has failed as a whole. */
export function countOf(output: string, code: number): Count {
  const [, passed = "0", failed = "0"] =
    [...output.matchAll(/\| (\d+) passed.*?\| (\d+) failed/g)].at(-1) ?? [];
  const count = { passed: Number(passed), failed: Number(failed) };
  const silent = code !== 0 && count.failed === 0;
  return silent || count.passed + count.failed === 0
    ? { ...count, failed: count.failed + 1 }
    : count;
}

if (import.meta.main) {
  const only = Deno.args.find((arg) => arg === "--unit" || arg === "--cluster");
  const filters = Deno.args.filter((arg) => !arg.startsWith("--"));
  const counts: Count[] = [];
  if (only !== "--cluster") {
    counts.push(await denoTest(["--parallel", ...UNIT]));
    // Deno imports everything that a door exports into its examples, which the check calls unused.
    counts.push(await denoTest(["--doc", "--no-check", ...DOORS]));
  }
  if (only !== "--unit") {
    const { prepareParts } = await import("../tests/parts/build.ts");
    const { startSharedPlane } = await import("../tests/harness/testbed.ts");
    await prepareParts();
    // Most files can share a control plane; who wants to break one starts its own.
    await using plane = await startSharedPlane();
    const files = filters.length > 0 ? filters : ["tests"];
    counts.push(await denoTest(["--parallel", ...files], { DENO_JOBS, ...plane.env }));
  }
  const passed = counts.reduce((sum, count) => sum + count.passed, 0);
  const failed = counts.reduce((sum, count) => sum + count.failed, 0);
  console.log(`${passed} passed, ${failed} failed`);
  Deno.exit(failed === 0 ? 0 : 1);
}
