/** Pods from a folder of the node. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { eventually } from "./harness/eventually.ts";
import type { Pod } from "./harness/objects.ts";
import { tempFolder } from "./harness/temp_folder.ts";
import { useTestbed } from "./harness/testbed.ts";
import { getPod, statusOf, waitGone, waitPod, waitRunning } from "./harness/wait_pod.ts";

const MIRROR = "kubernetes.io/config.mirror";

const folder = await tempFolder();
Deno.test.afterAll(async () => await folder[Symbol.asyncDispose]());
const scenario = useTestbed({ args: ["--pod-manifest-path", folder.path] });

const manifest = (name: string, image: string, namespace: string): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels: { app: name } },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [{ name: "main", image }],
    },
  });

scenario(
  "a manifest in the folder runs, has a mirror that comes again, and ends with its file",
  async ({ cluster, node, namespace, image, kubectl }) => {
    const path = join(folder.path, "web.json");
    const ref = { namespace, name: `web-${node.nodeName}` };
    await Deno.writeTextFile(path, manifest("web", await image("ticks"), namespace));
    await eventually(
      "the mirror to be there",
      () => cluster.find<Pod>(`/api/v1/namespaces/${namespace}/pods/${ref.name}`),
    );
    const pod = await waitRunning(cluster, ref);
    const { annotations = {}, uid } = pod.metadata;
    assert.equal(annotations["kubernetes.io/config.source"], "file");
    assert.equal(annotations[MIRROR], annotations["kubernetes.io/config.hash"]);
    assert.notEqual(annotations[MIRROR], uid);
    const { containerID } = statusOf(pod, "main");
    await eventually("its log to be there", async () => (await kubectl("logs", ref.name)) !== "");

    // The mirror is deleted: it comes again, and the guest has not noticed.
    await kubectl("delete", "pod", ref.name, "--wait=false");
    const again = await waitPod(cluster, ref, {
      to: "have another mirror that tells of the same guest",
      wanted: (found) =>
        found.metadata.uid !== uid &&
        found.status.containerStatuses?.[0]?.containerID === containerID,
    });
    assert.equal(statusOf(again, "main").restartCount, 0);

    // Another manifest is another pod.
    await Deno.writeTextFile(path, manifest("web", await image("sleep"), namespace));
    const changed = await waitPod(cluster, ref, {
      to: "run another image",
      wanted: (found) =>
        found.metadata.annotations?.[MIRROR] !== annotations[MIRROR] &&
        found.status.containerStatuses?.[0]?.state?.running !== undefined,
    });
    assert.notEqual(statusOf(changed, "main").containerID, containerID);

    await Deno.remove(path);
    await waitGone(cluster, ref);
    await eventually("its files to be gone", async () => {
      const logs = await Array.fromAsync(Deno.readDir(join(node.dataDir, "logs")));
      return !logs.some(({ name }) => name.startsWith(`${namespace}_${ref.name}_`));
    });
  },
);

scenario(
  "a static pod goes on over a restart of the agent, and a mirror without a file goes",
  async ({ cluster, node, namespace, image }) => {
    const path = join(folder.path, "stays.json");
    const gone = join(folder.path, "goes.json");
    await Deno.writeTextFile(path, manifest("stays", await image("sleep"), namespace));
    await Deno.writeTextFile(gone, manifest("goes", await image("sleep"), namespace));
    const ref = (name: string): { namespace: string; name: string } => ({
      namespace,
      name: `${name}-${node.nodeName}`,
    });
    for (const name of ["stays", "goes"]) {
      await eventually(
        "the mirror to be there",
        () => cluster.find<Pod>(`/api/v1/namespaces/${namespace}/pods/${ref(name).name}`),
      );
      await waitRunning(cluster, ref(name));
    }
    const before = await getPod(cluster, ref("stays"));
    await node.end("SIGKILL");
    await Deno.remove(gone);
    await node.restart();
    const after = await waitPod(cluster, ref("stays"), {
      to: "run again",
      wanted: ({ status }) =>
        status.containerStatuses?.[0]?.restartCount === 1 &&
        status.containerStatuses[0].state?.running !== undefined,
    });
    assert.equal(after.metadata.uid, before.metadata.uid);
    await waitGone(cluster, ref("goes"));
    await Deno.remove(path);
    await waitGone(cluster, ref("stays"));
  },
);

scenario(
  "a static pod that can never run here is Failed in its mirror, until its file changes",
  async ({ cluster, node, namespace, image }) => {
    const path = join(folder.path, "never.json");
    const good = manifest("never", await image("sleep"), namespace);
    const bad = JSON.parse(good) as { spec: Record<string, unknown> };
    bad.spec["hostPID"] = true;
    await Deno.writeTextFile(path, JSON.stringify(bad));
    const ref = { namespace, name: `never-${node.nodeName}` };
    await eventually(
      "the mirror to be there",
      () => cluster.find<Pod>(`/api/v1/namespaces/${namespace}/pods/${ref.name}`),
    );
    await waitPod(cluster, ref, {
      to: "be refused",
      wanted: ({ status }) =>
        status.phase === "Failed" && status.reason === "HostNamespaceNotSupported",
    });
    await Deno.writeTextFile(path, good);
    await waitRunning(cluster, ref);
    await Deno.remove(path);
    await waitGone(cluster, ref);
  },
);
