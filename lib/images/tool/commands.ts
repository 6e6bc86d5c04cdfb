/**
 * The commands `krustlet push`, `pull` and `inspect`: what they print.
 *
 * Results go to stdout, everything else to stderr.
 *
 * @module
 */
import type { ModuleTerms } from "../../provider.ts";
import { inspectImage, type InspectRequest } from "./inspect.ts";
import { pullImage, type PullRequest } from "./pull.ts";
import { pushImage, type PushRequest } from "./push.ts";
import { reportText } from "./report.ts";
import type { ToolWorld } from "./session.ts";

export type { InspectRequest } from "./inspect.ts";
export type { PullRequest } from "./pull.ts";
export type { ArtifactFormat } from "./artifact.ts";
export type { PushRequest } from "./push.ts";
export type { ToolSettings, ToolWorld } from "./session.ts";
export type { ToolScreen } from "./transfers.ts";

/** Where a command says things, when it stops, and what a node here would run. */
export interface CommandWorld extends ToolWorld {
  /** What a node of this program would take. */
  readonly terms: ModuleTerms;
}

/** Pushes, and prints the name by digest. Rejects with a `KubeletError` for what a person can mend. */
export async function runPush(request: PushRequest, world: CommandWorld): Promise<void> {
  const report = await pushImage(request, world);
  print(world, request.settings.json ? json(report) : `${report.pinned}\n`);
}

/** Pulls, and prints the name by digest. Rejects with a `KubeletError` for what a person can mend. */
export async function runPull(request: PullRequest, world: CommandWorld): Promise<void> {
  const report = await pullImage(request, world);
  print(world, request.settings.json ? json(report) : `${report.pinned}\n`);
}

/** Prints what an image is. Rejects with a `KubeletError` for what a person can mend. */
export async function runInspect(request: InspectRequest, world: CommandWorld): Promise<void> {
  const report = await inspectImage(request, world);
  print(world, request.settings.json ? json(report) : reportText(report));
}

function json(report: object): string {
  return `${JSON.stringify(report, undefined, 2)}\n`;
}

function print({ screen }: CommandWorld, text: string): void {
  screen.write("stdout", new TextEncoder().encode(text));
}
