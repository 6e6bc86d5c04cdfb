/**
 * What a run of the suite has shown.
 *
 * @module
 */
import type { Lists } from "./lists.ts";

/** How a spec ended. */
export interface Result {
  readonly spec: string;
  readonly passed: boolean;
  readonly seconds: number;
  /** The first words of a failure. */
  readonly message?: string;
}

/** The part of a report in JSON that we read. */
interface SpecReport {
  readonly LeafNodeType: string;
  readonly LeafNodeText: string;
  readonly ContainerHierarchyTexts: readonly string[] | null;
  readonly State: string;
  readonly RunTime: number;
  readonly Failure?: { readonly Message?: string };
}

/** Characters of a failure's message that a table shows. */
const MESSAGE_CHARS_MAX = 300;

/** Reads the report that the suite's runner has written: specs that did not run are left out. */
export function readReport(json: string): Result[] {
  const suites = JSON.parse(json) as readonly { readonly SpecReports: readonly SpecReport[] }[];
  return suites.flatMap(({ SpecReports }) => SpecReports)
    .filter(({ LeafNodeType, State }) => LeafNodeType === "It" && State !== "skipped")
    .map((report) => {
      const message = report.Failure?.Message?.replaceAll(/\s+/g, " ").slice(0, MESSAGE_CHARS_MAX);
      return {
        spec: [...report.ContainerHierarchyTexts ?? [], report.LeafNodeText].join(" "),
        passed: report.State === "passed",
        seconds: Math.round(report.RunTime / 1e9),
        ...(message === undefined || message === "" ? {} : { message }),
      };
    });
}

/** The end of a run. */
export interface Verdict {
  /** Lines for a person. */
  readonly lines: readonly string[];
  /** No spec of the passing list failed or was missing. */
  readonly good: boolean;
}

/** Compares what was wanted with what was seen. */
export function judge(
  lists: Lists,
  wanted: readonly string[],
  results: readonly Result[],
): Verdict {
  const byName = new Map(results.map((result) => [result.spec, result]));
  const lines: string[] = [];
  const broken: string[] = [];
  let passed = 0;
  for (const spec of wanted) {
    const result = byName.get(spec);
    const reason = lists.notYet.get(spec);
    if (result?.passed) passed++;
    else if (reason === undefined) broken.push(spec);
    if (result === undefined) lines.push(`MISSING ${spec}`);
    else if (!result.passed) {
      lines.push(`FAILED  ${spec} (${result.seconds} s): ${result.message ?? "no message"}`);
      if (reason !== undefined) lines.push(`        not yet: ${reason}`);
    } else if (reason !== undefined) lines.push(`PASSED  ${spec}: it may go to passing.txt`);
  }
  const target = lists.passing.length + lists.notYet.size;
  lines.push(
    `${passed} of ${wanted.length} specs passed; ${lists.passing.length} of the target set's \
${target} are on the list of those that must`,
  );
  for (const spec of broken) lines.push(`Must pass and did not: ${spec}`);
  return { lines, good: broken.length === 0 };
}
