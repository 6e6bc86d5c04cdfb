import { goProgram } from "../parts/go_program.ts";

/** What Prometheus' own packages make of a page of metrics. */
export interface MetricsReport {
  readonly families: number;
  /** What the linter of Prometheus finds, and histograms whose buckets do not add up. */
  readonly problems: readonly { readonly metric: string; readonly text: string }[];
}

/**
 * Reads a page as Prometheus does, and lints it.
 *
 * @throws {Error} with the parser's words if it cannot be read.
 */
export async function lintMetrics(page: string): Promise<MetricsReport> {
  const child = new Deno.Command(await goProgram("metrics_lint"), {
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  // A parser that gives up does not read to the end; its words say why.
  const written = new Blob([page]).stream().pipeTo(child.stdin).catch(() => {});
  const { success, stdout, stderr } = await child.output();
  await written;
  if (!success) throw new Error(`Cannot read metrics: ${new TextDecoder().decode(stderr)}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}
