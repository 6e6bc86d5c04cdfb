/** The provider and the operator of the guides, as programs beside a real control plane. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Cluster } from "./harness/cluster.ts";
import { eventually } from "./harness/eventually.ts";
import { startKrustlet } from "./harness/kubelet.ts";
import { podManifest } from "./harness/manifests.ts";
import { type Process, startProcess } from "./harness/processes.ts";
import { tempFolder } from "./harness/temp_folder.ts";
import { type Scene, useTestbed } from "./harness/testbed.ts";
import { statusOf, waitEnded, waitPod } from "./harness/wait_pod.ts";

const DEMOS = fileURLToPath(new URL("../demos", import.meta.url));
const scenario = useTestbed();

scenario("the guide's provider is a node that runs pods", async ({ cluster, ...scene }) => {
  await using folder = await tempFolder();
  await using node = await startKrustlet(cluster, {
    program: await launcher(folder.path, "provider/main.ts"),
    insecureRegistries: [scene.registry.host],
  });
  const { nodeInfo } = (await node.node())!.status;
  const expected = await Deno.readTextFile(join(DEMOS, "provider/expected_output.txt"));
  assert.equal(nodeInfo?.containerRuntimeVersion, expected.trimEnd());
  const pod = async (name: string, container: { image: string; [field: string]: unknown }) => {
    const spec = { automountServiceAccountToken: false };
    const wish = { name, nodeName: node.nodeName, containers: [container], spec };
    await scene.create("pods", podManifest(wish));
    return { namespace: scene.namespace, name };
  };

  const hello = await pod("hello", { image: await scene.image("hello") });
  await waitEnded(cluster, hello, "Succeeded");
  assert.equal(await scene.kubectl("logs", "hello"), "Hello, world!\n");

  const three = await pod("three", { image: await scene.image("exit_3") });
  const failed = await waitEnded(cluster, three, "Failed");
  assert.equal(statusOf(failed, "main").state?.terminated?.exitCode, 3);

  const limits = { limits: { memory: "64Mi" } };
  const bounded = await pod("bounded", { image: await scene.image("hello"), resources: limits });
  const { status } = await waitEnded(cluster, bounded, "Failed");
  assert.match(status.message ?? "", /keeps no memory limit/);

  const spins = await pod("spins", { image: await scene.image("spin") });
  await waitPod(cluster, spins, { to: "run", wanted: (seen) => seen.status.phase === "Running" });
  const { code, stderr } = await cluster.tryKubectl(
    ["-n", scene.namespace, "exec", "spins", "--", "ls"],
  );
  assert.notEqual(code, 0);
  assert.match(stderr, /501|[Nn]ot [Ii]mplemented|exec/);
  await scene.kubectl("delete", "pod", "spins", "--grace-period=1");
});

scenario("the guide's operator judges its trials", async (scene) => {
  const { cluster, namespace } = scene;
  for (const file of ["crd.yaml", "rbac.yaml"]) {
    await cluster.kubectl(["apply", "-f", join(DEMOS, "operator", file)]);
  }
  await cluster.kubectl(["wait", "--for=condition=Established", "crd/trials.demos.krustlet.dev"]);
  await using folder = await tempFolder();
  const operator = new Operator(cluster, folder.path);
  try {
    await operator.start();
    await trial(scene, "passes", { image: await scene.image("exit_3"), expectCode: 3 });
    await trial(scene, "fails", { image: await scene.image("exit_3") });
    await trial(scene, "paused", { image: await scene.image("hello"), paused: true });
    await trial(scene, "lasts", { image: await scene.image("spin") });
    assert.deepEqual(await verdict(scene, "passes"), "Passed");
    assert.deepEqual(await verdict(scene, "fails"), "Failed");
    assert.equal((await pods(scene)).length, 3, "the paused one has no pod");
    const expected = await Deno.readTextFile(join(DEMOS, "operator/expected_output.txt"));
    await eventually("the operator to tell the whole life of a trial", async () => {
      const told = (await operator.log()).split("\n").filter((line) => line.startsWith("passes: "));
      return `${told.join("\n")}\n` === expected.replaceAll("hello", "passes");
    });

    // An operator that is killed and comes again goes on where it was, and judges nothing twice.
    await operator.kill();
    await scene.kubectl(
      "patch",
      "trial",
      "paused",
      "--type=merge",
      "-p",
      '{"spec":{"paused":false}}',
    );
    await operator.start();
    assert.equal(await verdict(scene, "paused"), "Passed");
    const all = await pods(scene);
    assert.equal(new Set(all.map(({ owner }) => owner)).size, 4);
    assert.equal(all.length, 4);

    await scene.kubectl("delete", "trial", "lasts");
    await eventually("the pod to go with its trial", async () => {
      return !(await pods(scene)).some(({ owner }) => owner === "lasts");
    }, { withinMs: 90_000 });
    await eventually(
      "the operator to let go",
      async () => /lasts: left/.test(await operator.log()),
    );
    assert.equal((await operator.end()).code, 0);
  } catch (error) {
    console.error(`namespace ${namespace}\n${await operator.log()}`);
    throw error;
  } finally {
    await operator.kill();
    await cluster.kubectl(["delete", "-f", join(DEMOS, "operator/crd.yaml"), "--wait=false"]);
  }
});

/** The operator's process, and those that follow it. */
class Operator {
  readonly #cluster: Cluster;
  readonly #folder: string;
  #process: Process | undefined;
  #starts = 0;

  constructor(cluster: Cluster, folder: string) {
    this.#cluster = cluster;
    this.#folder = folder;
  }

  /** Starts it with the rights of `rbac.yaml` and no others. */
  async start(): Promise<void> {
    const account = ["-n", "default", "trial-operator", "--duration=1h"];
    const token = await this.#cluster.kubectl(["create", "token", ...account]);
    const kubeconfig = join(this.#folder, "kubeconfig");
    await Deno.writeTextFile(kubeconfig, await asUser(this.#cluster, token.trim()));
    this.#process = await startProcess(await this.#command(), {
      name: "operator",
      logPath: join(this.#folder, `operator-${++this.#starts}.log`),
      env: { ...Deno.env.toObject(), KUBECONFIG: kubeconfig, NO_COLOR: "1" },
    });
  }

  async #command(): Promise<readonly [string]> {
    return [await launcher(this.#folder, "operator/main.ts")];
  }

  async log(): Promise<string> {
    return await this.#process?.log() ?? "";
  }

  async end(): Promise<{ readonly code: number | null }> {
    this.#process?.signal("SIGTERM");
    return await this.#process!.ended;
  }

  async kill(): Promise<void> {
    this.#process?.signal("SIGKILL");
    await this.#process?.stop();
  }
}

/** A program that starts one of the demos; it has no name that a command line could hold. */
async function launcher(folder: string, demo: string): Promise<string> {
  const path = join(folder, "program");
  const command = `exec '${Deno.execPath()}' run -A '${join(DEMOS, demo)}' "$@"`;
  await Deno.writeTextFile(path, `#!/bin/sh\n${command}\n`, { mode: 0o755 });
  return path;
}

/** The kubeconfig of somebody who has this token. */
async function asUser(cluster: Cluster, token: string): Promise<string> {
  const ca = await Deno.readFile(join(cluster.dir, "certs/ca.crt"));
  return JSON.stringify({
    ...{ apiVersion: "v1", kind: "Config", "current-context": "c" },
    clusters: [{
      name: "c",
      cluster: { server: cluster.server, "certificate-authority-data": ca.toBase64() },
    }],
    users: [{ name: "u", user: { token } }],
    contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
  });
}

/** A trial on the scene's own node: others of the same cluster do not know its registry. */
async function trial({ create, node }: Scene, name: string, wish: object): Promise<void> {
  const apiVersion = "demos.krustlet.dev/v1alpha1";
  const spec = { node: node.nodeName, ...wish };
  await create(`/apis/${apiVersion}/trials`, {
    apiVersion,
    kind: "Trial",
    metadata: { name },
    spec,
  });
}

async function verdict({ cluster, namespace }: Scene, name: string): Promise<string> {
  const path = `/apis/demos.krustlet.dev/v1alpha1/namespaces/${namespace}/trials/${name}`;
  return await eventually(`a verdict on trial ${name}`, async () => {
    const { status } = await cluster.get<{ status?: { verdict?: string } }>(path);
    return status?.verdict;
  }, { withinMs: 90_000 });
}

async function pods({ cluster, namespace }: Scene): Promise<{ readonly owner: string }[]> {
  const { items } = await cluster.get<
    { items: { metadata: { ownerReferences?: { name: string }[] } }[] }
  >(`/api/v1/namespaces/${namespace}/pods`);
  return items.map(({ metadata }) => ({ owner: metadata.ownerReferences?.[0]?.name ?? "" }));
}
