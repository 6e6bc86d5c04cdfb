/**
 * Runs sequences of operations under several hosts and finds where they differ. For tests only.
 *
 * @module
 */
import { decodeAnswers, encodeProgram, machineBytes } from "./machine.ts";
import { type Operation, prepareFolder, sequenceIn, tellAnswer } from "./operations.ts";
import type { Peer } from "./peers.ts";

/** Two hosts that answered differently. */
export interface Difference {
  /** Which sequence, and which operation of it. */
  readonly sequence: number;
  readonly index: number;
  readonly operation: Operation;
  readonly ours: string;
  readonly theirs: string;
}

/** A difference that is known, and why it may stay. */
export interface Known {
  readonly why: string;
  fits(difference: Difference): boolean;
}

const machine = await machineBytes();

/** Sequences of one run: their program and its log must fit into the guest's memory. */
const BATCH_MAX = 500;

/** What each operation of each sequence told, each sequence in a folder of its own. */
export async function runSequences(
  sequences: readonly (readonly Operation[])[],
  peer: Peer,
): Promise<string[][]> {
  const told: string[][] = [];
  for (let start = 0; start < sequences.length; start += BATCH_MAX) {
    told.push(...await runBatch(sequences.slice(start, start + BATCH_MAX), peer));
  }
  return told;
}

async function runBatch(
  sequences: readonly (readonly Operation[])[],
  peer: Peer,
): Promise<string[][]> {
  const box = await Deno.makeTempDir();
  try {
    const all = sequences.map((operations, index) => {
      prepareFolder(`${box}/${index}`);
      return sequenceIn(String(index), operations);
    });
    const steps = all.flat().map(({ step }) => step);
    const log = await peer({ bytes: machine, box, input: encodeProgram(steps) });
    const answers = decodeAnswers(steps, log).values();
    return all.map((operations) =>
      operations.map((operation) => {
        const { value } = answers.next();
        return value === undefined ? "no answer" : tellAnswer(operation, value);
      })
    );
  } finally {
    await Deno.remove(box, { recursive: true });
  }
}

/** The first difference of each sequence that is not known. */
export function findDifferences(
  sequences: readonly (readonly Operation[])[],
  answers: { readonly ours: readonly string[][]; readonly theirs: readonly string[][] },
  known: readonly Known[],
): Difference[] {
  return sequences.flatMap((operations, sequence) => {
    for (const [index, operation] of sequenceIn(String(sequence), operations).entries()) {
      const ours = answers.ours[sequence]![index]!;
      const theirs = answers.theirs[sequence]![index]!;
      if (ours === theirs) continue;
      const difference = { sequence, index, operation, ours, theirs };
      if (!known.some((one) => one.fits(difference))) return difference;
      // From here on the two have different files.
      if (isSuccess(ours) || isSuccess(theirs)) break;
    }
    return [];
  });
}

/** True for the answer of a call that did something. */
export function isSuccess(answer: string): boolean {
  return answer.startsWith("success");
}

/** Leaves out operations as long as two hosts still differ; what is left shows why. */
export async function shrink(
  operations: readonly Operation[],
  differ: (operations: readonly Operation[]) => Promise<boolean>,
): Promise<readonly Operation[]> {
  let left = operations;
  for (let index = left.length - 1; index >= 0; index--) {
    const fewer = left.toSpliced(index, 1);
    if (await differ(fewer)) left = fewer;
  }
  return left;
}
