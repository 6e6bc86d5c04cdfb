/**
 * Prints what an examination has found.
 *
 * @module
 */
import { type DoctorOptions, examine } from "./doctor.ts";
import { findingsJson, findingsText, isHealthy } from "./finding.ts";

/** What is examined, and how that is printed. */
export interface RunDoctorOptions extends DoctorOptions {
  /** Print for scripts. */
  readonly json: boolean;
  /** Print in colours. */
  readonly colour: boolean;
  /** Takes all of the text, once. */
  print(text: string): void;
}

/** Examines and prints; true if nothing is in the way. */
export async function runDoctor(options: RunDoctorOptions): Promise<boolean> {
  const findings = await examine(options);
  options.print(options.json ? findingsJson(findings) : findingsText(findings, options));
  return isHealthy(findings);
}
