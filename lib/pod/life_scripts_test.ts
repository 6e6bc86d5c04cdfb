import assert from "node:assert/strict";
import fc from "fast-check";
import { messageOf } from "../errors.ts";
import { sleep } from "../time.ts";
import { expectAll } from "./_life_model.ts";
import { inWords, type Script, scripts } from "./_life_script.ts";
import { LifeWorld } from "./_life_world.ts";
import { VirtualTime } from "./_virtual_time.ts";

/** How many scripts are played. */
const SCRIPTS = Number(Deno.env.get("KRUSTLET_SCRIPTS") ?? 1_000);
/** Chosen once, so that a change of the code is what makes the test fail. */
const SEED = Number(Deno.env.get("KRUSTLET_SEED") ?? 2_026);
/** Worlds that are played side by side, so that nobody waits for the disk alone. */
const LANES = 64;
const EPOCH_MS = Date.UTC(2026, 10, 21, 12);
/** At the end of each script, everybody comes back, and there is time for everything. */
const EPILOGUE: Script["steps"] = [
  { do: "reunion", thenSeconds: 13 },
  { do: "start", thenSeconds: 61 },
  { do: "label", thenSeconds: 700 },
  { do: "vanish", thenSeconds: 3 },
];

/** Plays a script, and looks after each step. */
async function play(played: Script): Promise<void> {
  const script = { ...played, steps: [...played.steps, ...EPILOGUE] };
  // Not at a whole second, at which deadlines are: no two timers of a pod come at once.
  await sleep(1_000 - (Date.now() + 500) % 1_000);
  const expected = expectAll(script, Date.now());
  await using world = await LifeWorld.open(script);
  for (const [i, step] of script.steps.entries()) {
    await world.play(step);
    const seen = expected[i];
    if (seen === undefined) continue;
    try {
      await world.check(seen);
    } catch (error) {
      throw new Error(`After step ${i}: ${messageOf(error)}`, { cause: error });
    }
  }
}

/** The number of the first script that does not end as it should, of those that were played. */
async function firstToFail(all: readonly Script[]): Promise<number | undefined> {
  using time = new VirtualTime(EPOCH_MS);
  const left = all.entries();
  let failed: number | undefined;
  const lane = async (): Promise<void> => {
    for (const [i, script] of left) {
      if (failed !== undefined) return;
      await play(script).catch(() => {
        failed = Math.min(i, failed ?? i);
      });
    }
  };
  await time.during(Promise.all(Array.from({ length: LANES }, lane)));
  return failed;
}

/** Makes a script that fails shorter, and tells of it. */
async function explain(number: number): Promise<string> {
  const property = fc.asyncProperty(scripts, async (script) => {
    using time = new VirtualTime(EPOCH_MS);
    await time.during(play(script));
  });
  const { counterexample, errorInstance } = await fc.check(property, {
    seed: SEED,
    path: `${number}`,
  });
  const [script] = counterexample ?? [];
  return `Script ${number} of KRUSTLET_SEED=${SEED} ${
    script === undefined
      ? "fails beside others only"
      : `fails, made shorter:\n${inWords(script)}\n${messageOf(errorInstance)}`
  }`;
}

Deno.test("random pod lives end in the state that the model says", async () => {
  const all = fc.sample(scripts, { seed: SEED, numRuns: SCRIPTS });
  const failed = await firstToFail(all);
  if (failed !== undefined) assert.fail(await explain(failed));
});
