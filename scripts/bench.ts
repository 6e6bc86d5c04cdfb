/**
 * Measures what a user waits for and what a pod costs, against a real control plane and registry.
 *
 *     deno run -A scripts/bench.ts [--one N] [--many N] [--sources]
 *
 * The program is what a release brings, or with `--sources` this checkout. Prints medians, and ratios to
 * Krustlet 1.0.0-alpha.1 where its figure is known; that one was measured on a machine of the same kind, so
 * read the ratios as orders of magnitude.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { buildGuests } from "../tests/guests/build.ts";
import type { Cluster } from "../tests/harness/cluster.ts";
import { startControlPlane } from "../tests/harness/control_plane.ts";
import { eventually } from "../tests/harness/eventually.ts";
import { type Krustlet, startKrustlet } from "../tests/harness/kubelet.ts";
import type { Pod } from "../tests/harness/objects.ts";
import { pushArtifact } from "../tests/harness/push.ts";
import { startRegistry } from "../tests/harness/registry.ts";
import { tempFolder } from "../tests/harness/temp_folder.ts";
import { watchObjects } from "../tests/harness/watch.ts";
import { makeHere } from "./package/here.ts";

/** Krustlet 1.0.0-alpha.1 on two cores, against the same Kubernetes. */
const KRUSTLET = { oneMs: 1_030, podsPerSecond: 22.6, agentMiB: 26, podMiB: 2.2 };

const { values } = parseArgs({
  options: {
    one: { type: "string", default: "20" },
    many: { type: "string", default: "100" },
    sources: { type: "boolean", default: false },
  },
});
const COUNT = { one: Number(values.one), many: Number(values.many) };
/** Linux tells CPU times in hundredths of a second on every machine that Deno runs on. */
const MS_PER_TICK = 10;
/** Long enough for guests to be idle, and for their garbage to be collected. */
const REST_MS = 12_000;
const PODS = "/api/v1/namespaces/default/pods";

/** A pod that sleeps, put on the node directly: the scheduler is not what is measured. */
function podOf(name: string, image: string, node: Krustlet): unknown {
  return {
    metadata: { name },
    spec: {
      nodeName: node.nodeName,
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
      containers: [{ name: "app", image, imagePullPolicy: "IfNotPresent" }],
      tolerations: [{ operator: "Exists" }],
    },
  };
}

/** When each pod was first seen Running, by name. */
class Sightings {
  readonly seenMs = new Map<string, number>();
  #waiting: (() => void)[] = [];

  async all(names: readonly string[]): Promise<void> {
    while (!names.every((name) => this.seenMs.has(name))) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  see(pod: Pod): void {
    if (pod.status.phase !== "Running" || this.seenMs.has(pod.metadata.name)) return;
    this.seenMs.set(pod.metadata.name, performance.now());
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/** Resident memory of one process, and the part of it that it shares with nobody, in MiB. */
async function memory(pid: number): Promise<{ residentMiB: number; privateMiB: number }> {
  const text = await Deno.readTextFile(`/proc/${pid}/smaps_rollup`);
  const sum = (pattern: RegExp): number =>
    [...text.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0) / 1024;
  return { residentMiB: sum(/^Rss:\s+(\d+)/gm), privateMiB: sum(/^Private_\w+:\s+(\d+)/gm) };
}

/** CPU time that a process has used, in ms. */
async function cpuMs(pid: number): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

async function children(pid: number): Promise<number[]> {
  const text = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`);
  return text.trim().split(" ").filter((word) => word !== "").map(Number);
}

function line(what: string, value: string, ratio?: number): void {
  const compared = ratio === undefined ? "" : `   ${ratio.toFixed(2)} x Krustlet`;
  console.log(`${what.padEnd(46)} ${value.padStart(12)}${compared}`);
}

async function removeAll(cluster: Cluster): Promise<void> {
  await cluster.delete(PODS);
  await eventually("all pods to be gone", async () => {
    const { items } = await cluster.get<{ items: Pod[] }>(PODS);
    return items.length === 0;
  }, { withinMs: 120_000 });
}

await using plane = await startControlPlane();
await using registry = await startRegistry();
const guests = await buildGuests();
const wasm = await Deno.readFile(guests.get("sleep") ?? "");
const { image } = await pushArtifact(registry, { repo: "sleep", tag: "v1", wasm });
await using folder = await tempFolder();
const program = values.sources ? undefined : (await makeHere(folder.path)).command;
await using node = await startKrustlet(plane.cluster, {
  ...(program === undefined ? {} : { program }),
  insecureRegistries: [registry.host],
  args: ["--max-pods", "250", "--register-with-taints", ""],
});
const { cluster } = plane;
const sightings = new Sightings();
await using _watch = await watchObjects<Pod>(cluster, PODS, (pod) => sightings.see(pod));

const warm = podOf("warm", image, node);
await cluster.create(PODS, warm);
await sightings.all(["warm"]);
await removeAll(cluster);
const idle = await memory(node.process.pid);

const times: number[] = [];
for (let i = 0; i < COUNT.one; i++) {
  const name = `one-${i}`;
  const fromMs = performance.now();
  await cluster.create(PODS, podOf(name, image, node));
  await sightings.all([name]);
  times.push((sightings.seenMs.get(name) ?? NaN) - fromMs);
}
times.sort((a, b) => a - b);
await removeAll(cluster);

const names = Array.from({ length: COUNT.many }, (_, i) => `many-${i}`);
const agentFromMs = await cpuMs(node.process.pid);
const fromMs = performance.now();
await Promise.all(names.map((name) => cluster.create(PODS, podOf(name, image, node))));
await sightings.all(names);
const seen = names.map((name) => (sightings.seenMs.get(name) ?? NaN) - fromMs).sort((a, b) =>
  a - b
);
const lastMs = seen.at(-1) ?? NaN;
const agentCpuMs = await cpuMs(node.process.pid) - agentFromMs;

const processes = await children(node.process.pid);
const guestsCpuMs = (await Promise.all(processes.map(cpuMs))).reduce((sum, ms) => sum + ms, 0);
await new Promise((resolve) => setTimeout(resolve, REST_MS));
const busy = await memory(node.process.pid);
const each = await Promise.all(processes.map(memory));
const perPod = each.reduce((sum, { privateMiB }) => sum + privateMiB, 0) / processes.length;

const p50 = quantile(times, 0.5);
line("one pod, create to Running, p50", `${p50.toFixed(0)} ms`, p50 / KRUSTLET.oneMs);
line("one pod, create to Running, p95", `${quantile(times, 0.95).toFixed(0)} ms`);
const rate = COUNT.many / lastMs * 1000;
line(`${COUNT.many} pods at once, p50`, `${quantile(seen, 0.5).toFixed(0)} ms`);
line(`${COUNT.many} pods at once, all Running after`, `${lastMs.toFixed(0)} ms`);
line(`${COUNT.many} pods at once, pods/s`, rate.toFixed(1), rate / KRUSTLET.podsPerSecond);
line(
  `${COUNT.many} pods at once, CPU of agent and guest`,
  `${(agentCpuMs / COUNT.many).toFixed(0)} + ${(guestsCpuMs / processes.length).toFixed(0)} ms`,
);
line(
  "idle agent, resident",
  `${idle.residentMiB.toFixed(0)} MiB`,
  idle.residentMiB / KRUSTLET.agentMiB,
);
line(`agent with ${COUNT.many} pods, resident`, `${busy.residentMiB.toFixed(0)} MiB`);
line(
  "idle pod, private memory of its process",
  `${perPod.toFixed(1)} MiB`,
  perPod / KRUSTLET.podMiB,
);

await removeAll(cluster);
