/**
 * An agent, as a process, that dies at a point of its choice. What it has told others is in files.
 *
 *     deno run -A _mortal_agent.ts DIR DEATH
 *
 * It is killed at the point with the name DEATH, as `record of uid-web begun #2`, and ends with code 0 if it
 * never comes there. Then its standard output has the names of all points.
 *
 * @module
 */
import { podOf, World } from "./_world.ts";

/** What the agent has told others, one JSON line each. */
export interface Told {
  readonly said: World["said"];
  /** Its runs, as `pod/container#number`. */
  readonly runs: readonly string[];
  readonly released: readonly string[];
  /** The point at which it died. */
  readonly point: string;
}

/** Runs as texts that can be compared. */
export function runsOf(runs: World["runs"]): string[] {
  return runs.map(({ pod, container, attempt }) => `${pod.name}/${container}#${attempt}`);
}

/** The pods that it runs. Each has another way to its end. */
export const PODS = {
  once: podOf("ok", {
    name: "once",
    spec: { initContainers: [{ name: "init", image: "ok" }] },
  }),
  again: podOf("flaky", { name: "again", spec: { restartPolicy: "OnFailure" } }),
  gone: podOf("spin", { name: "gone" }),
};

/** A pod that somebody deletes while it runs. */
export const DELETED = {
  ...PODS.gone,
  metadata: {
    ...PODS.gone.metadata,
    deletionTimestamp: "2026-11-21T12:00:00Z",
    deletionGracePeriodSeconds: 0,
  },
};

if (import.meta.main) {
  const [dir = "", death = ""] = Deno.args;
  const world = World.at(dir);
  const seen = new Map<string, number>();
  const points: string[] = [];
  world.onPoint = (name): void => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    const point = `${name} #${count}`;
    points.push(point);
    if (point !== death) return;
    const { said, runs, released } = world;
    const told: Told = {
      said,
      runs: runsOf(runs),
      released,
      point,
    };
    Deno.writeTextFileSync(`${dir}/told.json`, JSON.stringify(told));
    Deno.kill(Deno.pid, "SIGKILL");
  };
  const agent = world.agent();
  agent.sync(Object.values(PODS));
  await world.phase("gone", "Running");
  agent.apply(DELETED);
  await world.phase("once", "Succeeded");
  await world.eventually("again runs again", () => world.container("again")?.restartCount === 1);
  await world.eventually("gone is gone", () => world.released.includes("gone"));
  console.log(points.join("\n"));
  Deno.exit(0);
}
