/** The manifests of `deploy/`: what the cluster admits, and a node that runs by exactly what they say. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { guest } from "./guests/build.ts";
import type { Cluster } from "./harness/cluster.ts";
import { krustletCommand } from "./harness/command.ts";
import { eventually } from "./harness/eventually.ts";
import { podManifest } from "./harness/manifests.ts";
import { conditionOf, type Node } from "./harness/objects.ts";
import {
  inRoom,
  makeVolumes,
  mayHaveRoom,
  type Mount,
  type PodTemplate,
  variables,
} from "./harness/pod_room.ts";
import { freePort, machineAddress } from "./harness/ports.ts";
import { type Process, startProcess } from "./harness/processes.ts";
import { pushArtifact } from "./harness/push.ts";
import { startRegistry } from "./harness/registry.ts";
import { tempFolder } from "./harness/temp_folder.ts";
import { useCluster } from "./harness/testbed.ts";
import { waitEnded } from "./harness/wait_pod.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const NAMESPACE = "krustlet";
/** As a StatefulSet names its first pod. */
const POD = "krustlet-0";
/** How long everything may take on a busy machine that a start waits for. */
const WITHIN_MS = 90_000;
const hasRoom = mayHaveRoom();
const how = hasRoom
  ? "a release in a root that nobody can write, without privileges,"
  : "this program, as this user and with other paths (nobody here may make a root for it),";

const scenario = useCluster();

interface Workload {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly template: { readonly spec: PodTemplate };
    readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
  };
}

/** Applies a folder as a user does, until it goes out of scope. */
async function applied(cluster: Cluster, folder: string): Promise<AsyncDisposable> {
  await cluster.kubectl(["apply", "-k", join(ROOT, "deploy", folder)]);
  return {
    [Symbol.asyncDispose]: async () => {
      // Roles and bindings stay: other nodes of the cluster live by them.
      await cluster.kubectl(["delete", "namespace", NAMESPACE, "--wait=true", "--timeout=120s"]);
    },
  };
}

async function workload(cluster: Cluster): Promise<Workload> {
  return await cluster.get(`/apis/apps/v1/namespaces/${NAMESPACE}/statefulsets/krustlet`);
}

for (const folder of ["node", "node-without-disk"]) {
  scenario(`deploy/${folder} is admitted where restricted pods only are`, async (cluster) => {
    await using _applied = await applied(cluster, folder);
    // The controller made it under the eyes of the cluster's admission.
    const pod = await eventually(
      "the pod of the StatefulSet",
      () => cluster.find<{ spec: PodTemplate }>(`/api/v1/namespaces/${NAMESPACE}/pods/${POD}`),
      { withinMs: WITHIN_MS },
    );
    const volumes = pod.spec.volumes.map(({ name }) => name).toSorted();
    assert.deepEqual(volumes, ["join", "state", "tmp"]);
    const { spec } = await workload(cluster);
    const claims = (spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name);
    assert.deepEqual(claims, folder === "node" ? ["state"] : []);
    const { version } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
    assert.equal(spec.template.spec.containers[0].image, `krustlet:${version}`);
    // The same with one privilege more is not.
    const { containers: [container], ...rest } = spec.template.spec;
    const securityContext = { allowPrivilegeEscalation: true };
    const { code, stderr } = await cluster.tryKubectl(
      ["create", "--dry-run=server", "-f", "-"],
      {
        input: JSON.stringify({
          ...{ apiVersion: "v1", kind: "Pod" },
          metadata: { name: "greedy", namespace: NAMESPACE },
          spec: { ...rest, containers: [{ ...container, securityContext, volumeMounts: [] }] },
        }),
      },
    );
    assert.notEqual(code, 0);
    assert.match(stderr, /violates PodSecurity "restricted/);
  });
}

Deno.test("the image is of a release's verified archive, and its user is the manifests'", async () => {
  const image = await Deno.readTextFile(join(ROOT, "deploy/image/Containerfile"));
  const node = await Deno.readTextFile(join(ROOT, "deploy/node/node.yaml"));
  const archive = "krustlet-${VERSION}-linux-${TARGETARCH}.tar.gz";
  assert.ok(image.includes(`COPY ${archive} checksums-\${VERSION}.txt`), "as a release names them");
  assert.ok(image.indexOf("sha256sum -c") < image.indexOf("tar -xzf"), "verified, then unpacked");
  const [, user, group] = /^USER (\d+):(\d+)$/m.exec(image)!;
  assert.ok(node.includes(`runAsUser: ${user}\n`) && node.includes(`runAsGroup: ${group}\n`));
  // Of several stages the last one is the image.
  const stages = image.split(/^FROM /m);
  assert.match(stages.at(-1)!, /^COPY --from=archive [\s\S]*^USER [\s\S]*^ENTRYPOINT /m);
});

/** An argument whose path lies elsewhere when there is no root for it. */
function elsewhere(arg: string, mounts: readonly Mount[]): string {
  const [, flag = "", path = ""] = /^([^=]*=)(.*)$/.exec(arg) ?? [];
  const mount = mounts.find(({ to }) => path === to || path.startsWith(`${to}/`));
  return mount === undefined ? arg : `${flag}${mount.from}${path.slice(mount.to.length)}`;
}

/** Starts the agent as the container of the template would be. */
async function startNode(
  cluster: Cluster,
  { folder, registry }: { readonly folder: string; readonly registry: string },
): Promise<Process & { readonly healthz: number }> {
  const { spec: { template: { spec: template }, volumeClaimTemplates = [] } } = await workload(
    cluster,
  );
  const volumes = join(folder, "volumes");
  await Deno.mkdir(volumes);
  const mounts = await makeVolumes(template, {
    ...{ cluster, namespace: NAMESPACE, folder: volumes },
    claims: volumeClaimTemplates.map(({ metadata }) => metadata.name),
  });
  const join_ = join(volumes, "join/bootstrap.conf");
  const conf = await Deno.readTextFile(join_);
  assert.ok(conf.includes("https://kubernetes.default.svc\n"), conf);
  // There is no Service network on this machine; the name is one of the API server's all the same.
  await Deno.writeTextFile(join_, conf.replace("https://kubernetes.default.svc", cluster.server));
  const healthz = freePort();
  const fields = { "metadata.name": POD, "status.podIP": machineAddress() };
  const env = {
    ...variables(template, fields),
    // Other agents of this machine have the usual one; and there is a registry without TLS.
    KRUSTLET_HEALTHZ_PORT: String(healthz),
    KRUSTLET_INSECURE_REGISTRIES: registry,
  };
  const args = template.containers[0].args.map((arg) =>
    arg.replace("--port=10250", `--port=${freePort()}`)
  );
  const options = { name: POD, logPath: join(folder, "krustlet.log") };
  const { runAsUser: uid, runAsGroup: gid } = template.securityContext;
  const started = hasRoom
    ? await startProcess(
      inRoom([await entrypoint(), ...args], {
        ...{ env, uid, gid, hostname: POD, root: await emptyFolder(join(folder, "root")) },
        mounts: [...mounts, { from: await release(folder), to: "/opt/krustlet", readOnly: true }],
      }),
      options,
    )
    : await startProcess(
      [...krustletCommand(), ...args.map((arg) => elsewhere(arg, mounts))],
      { ...options, env: { ...env, HOME: join(volumes, "tmp") } },
    );
  return Object.assign(started, { healthz });
}

async function emptyFolder(path: string): Promise<string> {
  await Deno.mkdir(path);
  return path;
}

/** What the image starts. */
async function entrypoint(): Promise<string> {
  const text = await Deno.readTextFile(join(ROOT, "deploy/image/Containerfile"));
  return JSON.parse(/^ENTRYPOINT (.*)$/m.exec(text)![1]!)[0];
}

/** What the image has in it, unpacked. */
async function release(folder: string): Promise<string> {
  const run = async (program: string, ...args: string[]): Promise<void> => {
    const { code, stderr } = await new Deno.Command(program, { args, cwd: ROOT }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
  };
  const target = `linux-${Deno.build.arch === "aarch64" ? "arm64" : "amd64"}`;
  const out = join(folder, "dist");
  const made = ["scripts/package/mod.ts", `--target=${target}`, `--out=${out}`];
  await run(Deno.execPath(), "run", "-A", ...made);
  const { version } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
  const name = `krustlet-${version}-${target}`;
  await run("tar", "-xzf", join(out, `${name}.tar.gz`), "-C", out, "--no-same-owner");
  return join(out, name);
}

scenario(`deploy/node is a node: ${how} runs a pod`, async (cluster) => {
  await using folder = await tempFolder();
  await Deno.chmod(folder.path, 0o755);
  await using _applied = await applied(cluster, "node");
  await using registry = await startRegistry();
  await using node = await startNode(cluster, { folder: folder.path, registry: registry.host });
  try {
    const request = await eventually("the agent to ask for approval", async () => {
      await node.mustRun();
      return /kubectl certificate approve (\S+)/m.exec(await node.log())?.[1];
    }, { withinMs: WITHIN_MS });
    await cluster.kubectl(["certificate", "approve", request]);
    await eventually(`node ${POD} to be Ready`, async () => {
      await node.mustRun();
      const found = await cluster.find<Node>(`/api/v1/nodes/${POD}`);
      return found && conditionOf(found, "Ready")?.status === "True" ? found : undefined;
    }, { withinMs: WITHIN_MS });
    await using namespace = await cluster.namespace("deploy");
    const wasm = await Deno.readFile(await guest("hello"));
    const { image } = await pushArtifact(registry, { repo: "hello", wasm });
    const wish = { name: "hello", nodeName: POD, containers: [{ image }] };
    await cluster.create(`/api/v1/namespaces/${namespace.name}/pods`, podManifest(wish));
    const pod = { namespace: namespace.name, name: "hello" };
    await waitEnded(cluster, pod, "Succeeded", WITHIN_MS);
    assert.match(await cluster.kubectl(["logs", "-n", namespace.name, "hello"]), /Hello, world!/i);
    // What the probes ask, at the pod's own address.
    const health = await fetch(`http://${machineAddress()}:${node.healthz}/healthz`);
    assert.equal(await health.text(), "ok");
  } catch (error) {
    console.error(await node.tail());
    throw error;
  } finally {
    await node.stop();
    await cluster.delete(`/api/v1/nodes/${POD}`);
  }
});
