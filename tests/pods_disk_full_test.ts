/** Pods on a node whose disk is full. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { guest } from "./guests/build.ts";
import type { Cluster } from "./harness/cluster.ts";
import { eventually } from "./harness/eventually.ts";
import { type Krustlet, startKrustlet } from "./harness/kubelet.ts";
import { NodePods } from "./harness/node_pods.ts";
import { pushArtifact } from "./harness/push.ts";
import { startRegistry } from "./harness/registry.ts";
import { SmallDisk } from "./harness/small_disk.ts";
import { tempFolder } from "./harness/temp_folder.ts";
import { useCluster } from "./harness/testbed.ts";
import {
  getPod,
  statusOf,
  waitEnded,
  waitEvent,
  waitPod,
  waitRunning,
} from "./harness/wait_pod.ts";

const MIB = 2 ** 20;
/** What a test waits for on a busy machine, back-offs of pulls included. */
const LONG_MS = 180_000;
const FULL = /no space (is )?left/i;

/** Left out, and counted as such, where there can be no small disk. */
const mayMount = await SmallDisk.open(MIB);
await mayMount?.[Symbol.asyncDispose]();
const onCluster = useCluster();

/** A node with its data folder on a disk of its own, which evicts nobody for it. */
interface Bench {
  readonly cluster: Cluster;
  readonly disk: SmallDisk;
  readonly node: Krustlet;
  readonly pods: NodePods;
  /** Pushes a guest to a registry, and answers its image. */
  remote(guest: string): Promise<string>;
  /** The reference of a guest of this machine. */
  image(guest: string): Promise<string>;
}

function scenario(
  name: string,
  run: (bench: Bench) => Promise<void>,
  flags: readonly string[] = [],
): void {
  onCluster(name, async (cluster) => {
    await using registry = await startRegistry();
    await using disk = (await SmallDisk.open(16 * MIB))!;
    const remote = async (name: string): Promise<string> => {
      const wasm = await Deno.readFile(await guest(name));
      return (await pushArtifact(registry, { repo: name, wasm })).image;
    };
    await using node = await startKrustlet(cluster, {
      disk,
      insecureRegistries: [registry.host],
      args: [
        ...["--x-allow-local-modules", "true", "--image-gc-high-threshold", "100"],
        ...["--eviction-hard", "memory.available<1Mi"],
        ...flags,
      ],
    });
    await using pods = await NodePods.open(node);
    try {
      const image = async (name: string): Promise<string> => `file:${await guest(name)}`;
      await run({ cluster, disk, node, pods, remote, image });
    } catch (error) {
      console.error(`Failed: ${name}\n${await node.tail()}`);
      throw error;
    }
  }, { unless: mayMount === undefined });
}

scenario("a disk that a guest fills up harms nobody for longer than it is full", async (bench) => {
  const { cluster, disk, node, pods, image } = bench;
  const configMap = (value: string): unknown => ({ a: value, b: value });
  await pods.create("configmaps", { metadata: { name: "given" }, data: configMap("one") });
  const given = { name: "v", configMap: { name: "given" } };
  const mounted = [{ name: "v", mountPath: "/given" }];
  const watches = await pods.pod({
    name: "watches",
    containers: [{
      image: await image("go_watcher"),
      args: ["/given", "two", "a", "b"],
      volumeMounts: mounted,
    }],
    spec: { volumes: [given] },
  });
  await waitRunning(cluster, watches);
  // Four times as much as there is room for.
  const floods = await pods.pod({
    name: "floods",
    containers: [{ image: await image("log_flood") }],
  });
  const flooded = await waitEnded(cluster, floods, "Succeeded", LONG_MS);
  assert.equal(statusOf(flooded, "main").restartCount, 0);
  await eventually("the agent to say what the log lacks", async () => {
    return /bytes of .*log|Cannot write container log/.test(await node.log());
  });
  await disk.fillUpTo(0);

  const path = `/api/v1/namespaces/${pods.namespace}/configmaps/given`;
  await cluster.patch(path, { data: configMap("two") });
  await waitEvent(cluster, watches, { reason: "FailedMount", message: FULL }, LONG_MS);
  const spec = { automountServiceAccountToken: false };
  const waiting = {
    mounts: await pods.pod({
      name: "mounts",
      containers: [{ image: await image("hello"), volumeMounts: mounted }],
      spec: { ...spec, volumes: [given] },
    }),
    pulls: await pods.pod({
      name: "pulls",
      containers: [{ image: await bench.remote("hello") }],
      spec,
    }),
    plain: await pods.pod({ name: "plain", containers: [{ image: await image("hello") }], spec }),
  };
  await waitEvent(cluster, waiting.mounts, { reason: "FailedMount", message: FULL }, LONG_MS);
  await waitEvent(cluster, waiting.pulls, { reason: "Failed", message: FULL }, LONG_MS);
  await waitEvent(cluster, waiting.plain, { reason: "Failed", message: FULL }, LONG_MS);
  for (const ref of Object.values(waiting)) {
    assert.equal((await getPod(cluster, ref)).status.phase, "Pending", ref.name);
  }
  const goesOn = await getPod(cluster, watches);
  assert.equal(goesOn.status.phase, "Running");
  assert.equal(node.process.ending, undefined);

  await pods.remove(floods);
  await Deno.remove(disk.path("ballast"));
  for (const ref of [watches, ...Object.values(waiting)]) {
    const { status } = await waitEnded(cluster, ref, "Succeeded", LONG_MS);
    assert.equal(status.containerStatuses?.[0]?.restartCount, 0, ref.name);
  }
});

scenario(
  "a guest that floods its log has as much of the disk as the node gives to logs",
  async ({ cluster, disk, node, pods, image }) => {
    const floods = await pods.pod({
      name: "floods",
      containers: [{ image: await image("log_flood") }],
    });
    const { metadata } = await waitEnded(cluster, floods, "Succeeded", LONG_MS);
    const folder = disk.path("data", "logs", `${pods.namespace}_floods_${metadata.uid}`, "main");
    const names = (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
    assert.equal(names.length, 3, names.join());
    assert.equal(names[0], "0.log");
    for (const name of names) assert.ok((await Deno.stat(join(folder, name))).size <= MIB, name);
    assert.doesNotMatch(await node.log(), /lost \d+ bytes/);
    const logs = await cluster.kubectl(["logs", "-n", pods.namespace, "floods", "--tail=1"]);
    assert.match(logs, /^x{65535}\n$/);
  },
  ["--container-log-max-size", "1Mi", "--container-log-max-files", "3"],
);

scenario(
  "a guest is told that the disk is full, and an emptyDir has room again when it is not",
  async (bench) => {
    const { cluster, disk, pods, remote } = bench;
    await using folder = await tempFolder();
    const text = "x".repeat(256 * 1024);
    const writes = await pods.pod({
      name: "writes",
      restartPolicy: "OnFailure",
      containers: [{
        // From a registry: one of this machine is copied at each start.
        image: await remote("go_exerciser"),
        imagePullPolicy: "IfNotPresent",
        args: [
          "assert_exists(file:/tell/go)",
          `write(lit:${text})to(file:/scratch/large)`,
          "write(lit:done)to(stm:stdout)",
        ],
        terminationMessagePolicy: "FallbackToLogsOnError",
        volumeMounts: [
          { name: "scratch", mountPath: "/scratch" },
          { name: "tell", mountPath: "/tell" },
        ],
      }],
      spec: {
        automountServiceAccountToken: false,
        volumes: [
          { name: "scratch", emptyDir: {} },
          { name: "tell", hostPath: { path: folder.path } },
        ],
      },
    });
    const failsWith = async (words: RegExp): Promise<void> => {
      await waitPod(cluster, writes, {
        to: `fail with ${words}`,
        wanted: (pod) => {
          const { state, lastState } = statusOf(pod, "main");
          return [state, lastState].some((one) => words.test(one?.terminated?.message ?? ""));
        },
        withinMs: LONG_MS,
      });
    };
    await failsWith(/\/tell\/go was expected to exist/);
    // Room for the files of a start, and not for what the guest wants to write.
    await disk.fillUpTo(100 * 1024);
    await Deno.writeTextFile(join(folder.path, "go"), "");
    await failsWith(FULL);
    await Deno.remove(disk.path("ballast"));
    await waitEnded(cluster, writes, "Succeeded", LONG_MS);
  },
);

scenario(
  "an agent that is killed while its disk is full loses no pod and doubles none",
  async (bench) => {
    const { cluster, disk, node, pods, image } = bench;
    await using folder = await tempFolder();
    await writeGeneration(folder.path, "one");
    const ended = await pods.pod({ name: "ended", containers: [{ image: await image("hello") }] });
    const late = await pods.pod({
      name: "late",
      containers: [{
        image: await image("go_watcher"),
        args: ["/watched", "two", "a"],
        volumeMounts: [{ name: "v", mountPath: "/watched" }],
      }],
      spec: { volumes: [{ name: "v", hostPath: { path: folder.path } }] },
    });
    const runs = await pods.pod({
      name: "runs",
      restartPolicy: "Always",
      containers: [{ image: await image("sleep") }],
      spec: { terminationGracePeriodSeconds: 0 },
    });
    const before = await waitEnded(cluster, ended, "Succeeded");
    await waitRunning(cluster, late);
    await waitRunning(cluster, runs);
    await disk.fillUpTo(0);
    await writeGeneration(folder.path, "two");
    const told = await waitEnded(cluster, late, "Succeeded", LONG_MS);
    await eventually("the agent to say that it cannot write", async () => {
      return /Cannot write pod record .*(No space|ENOSPC)/i.test(await node.log());
    });

    await node.end("SIGKILL");
    await node.restart();
    await waitPod(cluster, runs, {
      to: "be known again",
      wanted: (pod) =>
        statusOf(pod, "main").state?.running === undefined ||
        statusOf(pod, "main").restartCount > 0,
      withinMs: LONG_MS,
    });
    await pods.remove(ended);
    assert.deepEqual((await getPod(cluster, late)).status, told.status);

    await Deno.remove(disk.path("ballast"));
    const again = await waitPod(cluster, runs, {
      to: "run again",
      wanted: (pod) => statusOf(pod, "main").restartCount > 0 && statusOf(pod, "main").ready,
      withinMs: LONG_MS,
    });
    assert.equal(statusOf(again, "main").restartCount, 1);
    assert.deepEqual((await getPod(cluster, late)).status, told.status);
    await pods.remove(late);
    const gone = [before, told].map(({ metadata }) => metadata.uid!);
    await eventually("nothing to be left of pods that are gone", async () => {
      const names = await Promise.all(["pods", "logs"].map((name) => namesIn(disk, name)));
      return !names.flat().some((name) => gone.some((uid) => name.includes(uid)));
    });
  },
);

async function namesIn(disk: SmallDisk, folder: string): Promise<string[]> {
  return await Array.fromAsync(Deno.readDir(disk.path("data", folder)), ({ name }) => name);
}

/** What go_watcher reads: a file `a` behind `..data`, which changes at once. */
async function writeGeneration(folder: string, value: string): Promise<void> {
  await Deno.mkdir(join(folder, `..${value}`));
  await Deno.writeTextFile(join(folder, `..${value}`, "a"), value);
  await Deno.symlink(`..${value}`, join(folder, "..next"));
  await Deno.rename(join(folder, "..next"), join(folder, "..data"));
  if (value === "one") await Deno.symlink("..data/a", join(folder, "a"));
}
