import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Pod, PodPhase, PodStatus } from "../api/types.ts";
import { namesIn } from "../files.ts";
import { DELETED, PODS, runsOf, type Told } from "./_mortal_agent.ts";
import { World } from "./_world.ts";

const AGENT = fileURLToPath(new URL("./_mortal_agent.ts", import.meta.url));
/** Processes that die side by side. */
const LANES = 2;

/** Lets an agent die at this point; answers all points that it came to if it never came to that one. */
async function die(dir: string, death: string): Promise<Told | string[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", AGENT, dir, death],
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    stdout: "piped",
    stderr: "inherit",
  });
  const { code, signal, stdout } = await child.output();
  if (signal !== null) return JSON.parse(await Deno.readTextFile(`${dir}/told.json`)) as Told;
  assert.equal(code, 0, "the agent has failed by itself");
  return new TextDecoder().decode(stdout).trim().split("\n");
}

/** What the cluster has heard of a pod. */
function heard(told: Told, name: string): PodStatus {
  return told.said.findLast(({ pod }) => pod.name === name)?.status ?? {};
}

const RANKS: Record<PodPhase, number> = {
  Unknown: 0,
  Pending: 0,
  Running: 1,
  Succeeded: 2,
  Failed: 2,
};

/** What was said first is never taken back by what was said later. */
function checkProgress(before: PodStatus, after: PodStatus, where: string): void {
  const [was, is] = [before.phase ?? "Pending", after.phase ?? "Pending"];
  assert.ok(RANKS[is] >= RANKS[was], `${where}: ${was} -> ${is}`);
  if (RANKS[was] === 2) assert.equal(is, was, where);
  for (const { name, restartCount } of before.containerStatuses ?? []) {
    const now = after.containerStatuses?.find((one) => one.name === name);
    assert.ok((now?.restartCount ?? 0) >= restartCount, `${where}: ${name} counts backwards`);
  }
}

/** The next agent finds the disk as it was left, and brings all pods to their ends. */
async function revive(dir: string, told: Told): Promise<void> {
  await using world = World.at(dir);
  const agent = world.agent();
  const asHeard = (pod: Pod): Pod => {
    const status = heard(told, pod.metadata?.name ?? "");
    return Object.keys(status).length === 0 ? pod : { ...pod, status };
  };
  const released = told.released.includes("gone");
  agent.sync([PODS.once, PODS.again, ...(released ? [] : [DELETED])].map(asHeard));
  await world.eventually(
    "once has ended",
    () =>
      ["Succeeded", "Failed"].includes(world.status("once").phase ?? "") ||
      ["Succeeded", "Failed"].includes(heard(told, "once").phase ?? ""),
  );
  await world.eventually("again runs", () => {
    const container = world.container("again");
    return container?.state.running !== undefined && container.restartCount > 0;
  });
  if (!released) {
    await world.eventually("gone is gone", () => world.released.includes("gone"));
    assert.ok(!world.runs.some(({ pod }) => pod.name === "gone"), "a deleted pod runs");
    agent.remove(DELETED);
  }
  // Whatever was heard stays true, and no run is ever repeated.
  const said = [...told.said, ...world.said];
  for (const name of ["once", "again"]) {
    const statuses = said.filter(({ pod }) => pod.name === name).map(({ status }) => status);
    for (let i = 1; i < statuses.length; i++) {
      checkProgress(statuses[i - 1]!, statuses[i]!, `${name}, killed at "${told.point}"`);
    }
  }
  const runs = [...told.runs, ...runsOf(world.runs)];
  assert.equal(new Set(runs).size, runs.length, `"${told.point}": ${runs.join(", ")}`);
  if (RANKS[heard(told, "once").phase ?? "Pending"] === 2) {
    assert.ok(!world.runs.some(({ pod }) => pod.name === "once"), "what has ended runs again");
  }
  await agent.shutdown(0);
  if (!released) assert.ok(!(await namesIn(`${dir}/pods`)).includes("uid-gone"));
  assert.deepEqual(world.trouble, [], `killed at "${told.point}"`);
}

/** Works in a folder of its own, which goes afterwards. */
async function inFolder<T>(work: (dir: string) => Promise<T>): Promise<T> {
  const dir = await Deno.makeTempDir({ prefix: "krustlet-death-" });
  try {
    return await work(dir);
  } finally {
    await Deno.remove(dir, { recursive: true }).catch(() => {});
  }
}

Deno.test("an agent that is killed between any two of its deeds leaves what the next one needs", async () => {
  const points = await inFolder((dir) => die(dir, "never"));
  assert.ok(Array.isArray(points));
  const left = [...points];
  let deaths = 0;
  const lane = async (): Promise<void> => {
    for (let point = left.pop(); point !== undefined; point = left.pop()) {
      const death = point;
      await inFolder(async (dir) => {
        const told = await die(dir, death);
        // Deeds that are near to each other are sometimes done in one.
        if (Array.isArray(told)) return;
        deaths++;
        await revive(dir, told);
      });
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  for (const pod of ["once", "again", "gone"]) {
    for (const point of ["begun", "beside", "in place"]) {
      assert.ok(points.includes(`record of uid-${pod} ${point} #1`), `${pod}: ${point}`);
    }
    assert.ok(points.includes(`status of uid-${pod} said #1`), pod);
  }
  assert.ok(deaths > points.length / 2, `only ${deaths} of ${points.length} have died`);
});
