/**
 * The archive of another kind of machine, run on this one: `deno task package:wine`.
 *
 * `$KRUSTLET_TEST_PROGRAM` runs it and `$KRUSTLET_TEST_TARGET` names it; no test of the suite is in this folder.
 *
 * @module
 */
import assert from "node:assert/strict";
import { guest } from "../guests/build.ts";
import { runKrustlet } from "../harness/command.ts";
import { eventually } from "../harness/eventually.ts";
import { podManifest } from "../harness/manifests.ts";
import { tempFolder } from "../harness/temp_folder.ts";
import { useTestbed } from "../harness/testbed.ts";
import { waitEnded } from "../harness/wait_pod.ts";

const target = Deno.env.get("KRUSTLET_TEST_TARGET") ?? "unknown";
/** A machine that is emulated is slow at everything. */
const ENDED_WITHIN_MS = 120_000;

/** The command, with a data folder of its own, and with this guest beside it if there is one. */
async function krustlet(
  args: readonly string[],
  module?: string,
): Promise<{ code: number; text: string }> {
  await using folder = await tempFolder();
  const env = { KRUSTLET_DATA_DIR: `${folder.path}/data`, NO_COLOR: "1" };
  if (module !== undefined) {
    const path = `${folder.path}/${module}.wasm`;
    await Deno.copyFile(await guest(module), path);
    args = [...args, path];
  }
  const { code, stdout, stderr } = await runKrustlet(args, { env });
  return { code, text: stdout + stderr };
}

/** How full the disk of this machine is does not matter here. Not as a flag: `cmd` would read "<" as its own. */
const scenario = useTestbed({ env: { KRUSTLET_EVICTION_HARD: "memory.available<1Mi" } });

scenario(`${target} says its version`, async () => {
  const { code, text } = await krustlet(["--version"]);
  assert.equal(code, 0, text);
  assert.match(text, /krustlet \d+\.\d+\.\d+/);
});

scenario(`${target} runs modules, and ends as they do`, async () => {
  const hello = await krustlet(["run"], "hello");
  assert.equal(hello.code, 0, hello.text);
  assert.match(hello.text, /Hello, world!/i);
  const failed = await krustlet(["run"], "exit_42");
  assert.equal(failed.code, 42, failed.text);
  const go = await krustlet(["run"], "go_hello");
  assert.equal(go.code, 0, go.text);
});

scenario(`${target} looks at the machine, and says what is missing`, async () => {
  const { code, text } = await krustlet(["doctor"]);
  assert.equal(code, 1, text);
  assert.match(text, /fail\s+kubeconfig .*krustlet bootstrap/s);
  assert.match(text, /ok\s+data-dir /);
  assert.doesNotMatch(text, /\n\s+at .*\.js/, "people get words, not stacks");
});

scenario(
  `${target} is a node by certificates of both sides, and runs a pod`,
  async ({ cluster, node, image, create, kubectl, namespace }) => {
    const requests = await cluster.get<
      { items: { spec: { username: string; signerName: string } }[] }
    >(
      "/apis/certificates.k8s.io/v1/certificatesigningrequests",
    );
    // Only who has the certificate of the node's client is this user: it asked for the other one.
    assert.ok(
      requests.items.some(({ spec }) =>
        spec.username === `system:node:${node.nodeName}` &&
        spec.signerName === "kubernetes.io/kubelet-serving"
      ),
    );
    const containers = [{ image: await image("hello") }];
    await create("pods", podManifest({ name: "hello", nodeName: node.nodeName, containers }));
    await waitEnded(cluster, { namespace, name: "hello" }, "Succeeded", ENDED_WITHIN_MS);
    // The API server shows its certificate to the node's API, which takes nobody else.
    assert.match(await kubectl("logs", "hello"), /Hello, world!/i);
  },
);

scenario(
  `${target} shows a pod that runs what has changed, and ends it when it is deleted`,
  async ({ cluster, node, image, create, kubectl, namespace }) => {
    const volumeMounts = [{ name: "config", mountPath: "/config" }];
    const containers = [{ image: await image("spin"), volumeMounts }];
    const spec = { volumes: [{ name: "config", configMap: { name: "config" } }] };
    await create("configmaps", { metadata: { name: "config" }, data: { stage: "one", gone: "" } });
    await create("pods", podManifest({ name: "spin", nodeName: node.nodeName, containers, spec }));
    const path = `/api/v1/namespaces/${namespace}/pods/spin`;
    await eventually("the pod to run", async () => {
      const found = await cluster.get<{ status: { phase?: string } }>(path);
      return found.status.phase === "Running" || undefined;
    }, { withinMs: ENDED_WITHIN_MS });
    const change = JSON.stringify({ data: { stage: "two", gone: null } });
    await kubectl("patch", "configmap", "config", `--patch=${change}`);
    await eventually("the pod to see the change", async () => {
      const seen = await kubectl("exec", "spin", "--", "sh", "-c", "ls /config; cat /config/stage");
      return seen === "stage\ntwo" || undefined;
    }, { withinMs: ENDED_WITHIN_MS });
    await kubectl("delete", "pod", "spin", "--grace-period=1", "--wait=false");
    await eventually("the pod to be gone", async () => {
      return await cluster.find(path) === undefined || undefined;
    }, { withinMs: ENDED_WITHIN_MS });
  },
);
