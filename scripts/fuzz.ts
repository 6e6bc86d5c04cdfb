/**
 * Runs the fuzzers for longer than the unit tests do, each file in a process of its own.
 *
 *     deno task fuzz [--cases=1000000] [--at-once=2] [FILTER…]
 *
 * A filter is a part of a path, as `lib/streaming`. Prints what each fuzzer did, in which time and
 * memory; a failure names the seed that shows it again.
 *
 * @module
 */
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** Words that a run is told in: its cases, and how it ended. */
const TOLD = /^.*( cases in | cases[,;:] |Error|FAILED|\| \d+ passed).*$/gm;
/** Sequences of file operations are a hundred times as long as other cases. */
const CASES_PER_SEQUENCE = 100;

/** One file of fuzzers, and how it ended. */
interface Run {
  readonly path: string;
  readonly passed: boolean;
}

/** How many cases `--cases` asks for. Throws a `RangeError` for anything but a whole number. */
export function casesOf(text: string): number {
  if (/^[1-9][0-9]{0,8}$/.test(text)) return Number(text);
  throw new RangeError(`Cannot use --cases "${text}": it must be a whole number up to 999999999`);
}

/** Files of fuzzers whose path has one of the filters; all of them if there is none. */
export function chosen(paths: readonly string[], filters: readonly string[]): string[] {
  const fuzzers = paths.filter((path) =>
    /^(lib\/\w+(\/\w+)?|wasi)\/fuzz\/\w+_test\.ts$/.test(path)
  );
  if (filters.length === 0) return fuzzers;
  return fuzzers.filter((path) => filters.some((filter) => path.includes(filter)));
}

async function sources(): Promise<string[]> {
  const { stdout } = await new Deno.Command("git", {
    args: ["ls-files", "--cached", "--others", "--exclude-standard", "lib", "wasi"],
    cwd: ROOT,
  }).output();
  return new TextDecoder().decode(stdout).split("\n");
}

async function fuzz(path: string, cases: number): Promise<Run> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", path],
    cwd: ROOT,
    stdin: "null",
    stderr: "inherit",
    env: {
      NO_COLOR: "1",
      FUZZ_CASES: `${cases}`,
      FUZZ_PATHS: `${cases}`,
      FUZZ_REAL_PATHS: `${cases}`,
      FUZZ_SEQUENCES: `${Math.ceil(cases / CASES_PER_SEQUENCE)}`,
      FUZZ_RACE_SECONDS: "60",
    },
  }).output();
  const text = new TextDecoder().decode(stdout);
  // Of a failure everything is of interest.
  console.log(`${path}\n${success ? (text.match(TOLD) ?? []).join("\n") : text}\n`);
  return { path, passed: success };
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    options: {
      cases: { type: "string", default: "1000000" },
      "at-once": { type: "string", default: `${availableParallelism()}` },
    },
    allowPositionals: true,
  });
  const cases = casesOf(values.cases);
  const left = chosen(await sources(), positionals);
  const runs: Run[] = [];
  const worker = async (): Promise<void> => {
    for (let path = left.shift(); path !== undefined; path = left.shift()) {
      runs.push(await fuzz(path, cases));
    }
  };
  await Promise.all(Array.from({ length: Number(values["at-once"]) || 1 }, worker));
  const failed = runs.filter(({ passed }) => !passed).map(({ path }) => path);
  console.log(`${runs.length - failed.length} files passed, ${failed.length} failed: ${failed}`);
  Deno.exit(runs.length > 0 && failed.length === 0 ? 0 : 1);
}
