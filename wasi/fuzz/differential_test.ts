/**
 * Random sequences of file operations have the same results on every host of ours, and on wasmtime
 * (`$WASMTIME`, or on the PATH) if it is there, but for differences that have a name.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { ERRNO } from "../errno.ts";
import { HOSTS } from "../testing/probe.ts";
import { type Difference, findDifferences, type Known, runSequences, shrink } from "./compare.ts";
import { OWN_DIFFERENCES, WASMTIME_DIFFERENCES } from "./known_differences.ts";
import { type Operation, sequenceIn, sequences } from "./operations.ts";
import { ownPeer, type Peer, wasmtimePeer } from "./peers.ts";
import { SEED, SEQUENCES, tell } from "./settings.ts";

const OPERATIONS_MAX = 30;

const drawn = fc.sample(sequences(OPERATIONS_MAX), { numRuns: SEQUENCES, seed: SEED });
const [[referenceName, referenceHost]] = HOSTS as [typeof HOSTS[number]];
const reference = ownPeer(referenceHost);
const wasmtime = await wasmtimePeer();
let expected: string[][] | undefined;

/** The same sequences on a peer and on our first host; the first one that differs is told. */
async function assertSame(name: string, peer: Peer, known: readonly Known[]): Promise<void> {
  expected ??= await runSequences(drawn, reference);
  const answers = { ours: expected, theirs: await runSequences(drawn, peer) };
  const differences = findDifferences(drawn, answers, known);
  tell(`${name}: ${SEQUENCES} sequences, ${differences.length} differ`);
  const [first] = differences;
  if (first === undefined) return;
  const alone = async (operations: readonly Operation[]): Promise<Difference | undefined> => {
    const ours = await runSequences([operations], reference);
    const theirs = await runSequences([operations], peer);
    return findDifferences([operations], { ours, theirs }, known)[0];
  };
  const small = await shrink(drawn[first.sequence]!, async (fewer) => {
    const found = await alone(fewer);
    return found?.ours === first.ours && found.theirs === first.theirs;
  });
  const { operation, ours, theirs, index } = await alone(small) ?? first;
  const way = sequenceIn("folder", small).slice(0, index).map(({ text }) => `  ${text}`);
  assert.fail(
    `${differences.length} of ${SEQUENCES} sequences differ (FUZZ_SEED=${SEED}). After\n` +
      `${way.join("\n")}\n${operation.text}\n  is "${ours}" on ${referenceName}\n` +
      `  and "${theirs}" on ${name}`,
  );
}

for (const [name, host] of HOSTS.slice(1)) {
  Deno.test(`random operations have the same results on ${referenceName} and ${name}`, () =>
    assertSame(name, ownPeer(host), OWN_DIFFERENCES));
}

Deno.test({
  name: `random operations have the same results on ${referenceName} and wasmtime${
    wasmtime === undefined ? ": left out, there is no wasmtime on the PATH nor $WASMTIME" : ""
  }`,
  ignore: wasmtime === undefined,
  fn: () => assertSame("wasmtime", wasmtime!, WASMTIME_DIFFERENCES),
});

Deno.test("a host that answers differently is found, and the way there made short", async () => {
  const lying: Peer = async (options) => {
    const log = await reference(options);
    // The errno of the last answer: a close.
    return log.with(log.length - 2, ERRNO.io);
  };
  await assert.rejects(assertSame("a liar", lying, []), (error: Error) => {
    // Nothing is left but to open the folder, and to close everything.
    assert.match(
      error.message,
      /After\n {2}path_open\(.*\)\n( {2}fd_close\(#\d\)\n)+fd_close\(#4\)/,
    );
    assert.match(error.message, /is "(success|badf)" on .*\n {2}and "io" on a liar$/);
    return true;
  });
});
