/** Images that cannot be had: each is said in words that help, and nothing of it ever runs or stays. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type BadImage, type BadImages, module, type World } from "./bad_images/bad_image.ts";
import { digestOf } from "./bad_images/registry.ts";
import { SIGNED, signedImage } from "./bad_images/signatures.ts";
import { PASSWORD, PRIVATE, privateImage, USER } from "./bad_images/tokens.ts";
import { type BadWorld, openWorld } from "./bad_images/world.ts";
import type { Cluster } from "./harness/cluster.ts";
import { eventually } from "./harness/eventually.ts";
import { type Krustlet, startKrustlet } from "./harness/kubelet.ts";
import { podManifest } from "./harness/manifests.ts";
import type { Event, Pod } from "./harness/objects.ts";
import { useCluster } from "./harness/testbed.ts";
import { statusOf, waitEnded, waitGone } from "./harness/wait_pod.ts";

/** What the issue of this table asks for. */
const ROWS_MIN = 40;
/** A silent peer is given up after 30 s; the rest is done meanwhile. */
const ALL_TOLD_MS = 90_000;
/** Characters of a message that a person still reads. */
const MESSAGE_CHARS_MAX = 1_000;
/** The name of the Secret with credentials. */
const KEYS = "keys";

/** Where the pods are. */
interface Stage {
  readonly cluster: Cluster;
  readonly world: BadWorld;
  readonly node: Krustlet;
  readonly namespace: string;
}

const clusterTest = useCluster();

clusterTest(
  "every bad image is refused in words that help, and nothing of it runs or stays",
  async (cluster) => {
    await using world = await openWorld();
    await using node = await startKrustlet(cluster, {
      insecureRegistries: world.insecureRegistries,
      args: [
        ...world.agentArgs,
        ...["--max-pods", "250", "--serialize-image-pulls", "false", "--registry-qps", "0"],
      ],
    });
    await using namespace = await cluster.namespace("bad-images");
    const stage: Stage = { cluster, world, node, namespace: namespace.name };
    const names = Object.keys(world.rows);
    assert.ok(names.length >= ROWS_MIN);
    try {
      await createSecret(stage);
      const good = goodImages(world);
      await runGood(stage, good, "before");
      for (const [name, row] of Object.entries(world.rows)) await createBad(stage, name, row);
      const pods = await waitTold(stage, world.rows);
      const problems = names.flatMap((name) =>
        judge(world.rows[name]!, pods.get(name)!).map((problem) => `${name}: ${problem}`)
      );
      assert.deepEqual(problems, []);
      assert.deepEqual(await startedOf(stage, names), []);

      await stopInTheMiddle(stage);
      for (const name of names) await stage.cluster.delete(podPath(stage, name));
      for (const name of names) {
        await waitGone(cluster, { namespace: stage.namespace, name });
      }
      assert.deepEqual(await odditiesOfStore(join(node.dataDir, "images")), []);
      assert.deepEqual((await imagesOnNode(stage)).filter((name) => name.includes("bad/")), []);
      await runGood(stage, good, "after", { imagePullPolicy: "Never" });
    } catch (error) {
      console.error(await node.tail());
      throw error;
    }
  },
);

/** Names of images that run, by their pods'. */
function goodImages(world: World): Readonly<Record<string, string>> {
  return {
    public: module(world, { repo: "good/public", bytes: world.hello }),
    private: privateImage(world, PRIVATE),
    signed: signedImage(world, `${SIGNED}/good`, {}),
  };
}

async function runGood(
  { cluster, node, namespace }: Stage,
  images: Readonly<Record<string, string>>,
  when: string,
  container: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const refs = Object.entries(images).map(async ([kind, image]) => {
    const name = `${kind}-${when}`;
    const pod = podManifest({
      name,
      nodeName: node.nodeName,
      containers: [{ image, ...container }],
      spec: { imagePullSecrets: [{ name: KEYS }] },
    });
    await cluster.create(`/api/v1/namespaces/${namespace}/pods`, pod);
    return { namespace, name };
  });
  for (const ref of refs) await waitEnded(cluster, await ref, "Succeeded");
}

/** Credentials for the private image, and for the rows that have some. */
async function createSecret({ cluster, world, namespace }: Stage): Promise<void> {
  const repos = Object.entries(world.rows)
    .filter(([, { withSecret }]) => withSecret)
    .map(([name]) => `bad/${name}`);
  const auth = btoa(`${USER}:${PASSWORD}`);
  const auths = Object.fromEntries(
    [PRIVATE, ...repos].map((repo) => [`${world.registry.host}/${repo}`, { auth }]),
  );
  await cluster.create(`/api/v1/namespaces/${namespace}/secrets`, {
    metadata: { name: KEYS },
    type: "kubernetes.io/dockerconfigjson",
    stringData: { ".dockerconfigjson": JSON.stringify({ auths }) },
  });
}

async function createBad(
  { cluster, world, node, namespace }: Stage,
  name: string,
  { image, withSecret, imagePullPolicy = "IfNotPresent" }: BadImage,
): Promise<void> {
  const pod = podManifest({
    name,
    nodeName: node.nodeName,
    restartPolicy: "Always",
    containers: [{ image: image(world, `bad/${name}`), imagePullPolicy }],
    ...(withSecret ? { spec: { imagePullSecrets: [{ name: KEYS }] } } : {}),
  });
  await cluster.create(`/api/v1/namespaces/${namespace}/pods`, pod);
}

/** The pods of all rows, as soon as each has said why it does not run. */
async function waitTold(
  { cluster, namespace }: Stage,
  rows: BadImages,
): Promise<ReadonlyMap<string, Pod>> {
  const pods = new Map<string, Pod>();
  return await eventually("each bad image to be refused", async () => {
    const { items } = await cluster.get<{ items: Pod[] }>(`/api/v1/namespaces/${namespace}/pods`);
    for (const pod of items) pods.set(pod.metadata.name, pod);
    const silent = Object.keys(rows).filter((name) => toldBy(pods.get(name)) === undefined);
    if (silent.length > 0) throw new Error(silent.join(", "));
    return pods;
  }, { withinMs: ALL_TOLD_MS, everyMs: 500 });
}

interface Told {
  readonly reason: string;
  readonly message: string;
}

/** Why a pod does not run; undefined as long as it has not said so. */
function toldBy(pod: Pod | undefined): Told | undefined {
  const { phase, reason = "", message = "", containerStatuses } = pod?.status ?? {};
  if (phase === "Failed" || phase === "Succeeded") return { reason, message };
  const { waiting } = containerStatuses?.[0]?.state ?? {};
  if (waiting?.reason === undefined || waiting.reason === "ContainerCreating") return undefined;
  const said = waiting.message ?? "";
  // While it backs off, a kubelet's message says for what reason.
  const backOff = /^Back-off pulling image ".*?": (\w+): (.*)$/s.exec(said);
  return waiting.reason === "ImagePullBackOff" && backOff !== null
    ? { reason: backOff[1]!, message: backOff[2]! }
    : { reason: waiting.reason, message: said };
}

/** What is not as the row says. */
function judge(row: BadImage, pod: Pod): string[] {
  const problems: string[] = [];
  const { reason, message } = toldBy(pod)!;
  const { reason: wanted = "ErrImagePull", says } = row;
  if (reason !== wanted) problems.push(`its reason is ${reason}, not ${wanted}: ${message}`);
  if (!says.test(message)) problems.push(`it says: ${message}`);
  if (message.length > MESSAGE_CHARS_MAX) problems.push(`it says ${message.length} characters`);
  if (/\p{Cc}/u.test(message)) problems.push("its message holds control characters");
  if (message.includes(PASSWORD)) problems.push("its message holds the password");
  const { state, lastState, restartCount = 0, containerID } =
    pod.status.containerStatuses === undefined ? {} : statusOf(pod, "main");
  const hasRun = state?.running ?? state?.terminated?.startedAt ?? lastState?.running ??
    lastState?.terminated ?? containerID;
  if (restartCount > 0 || hasRun !== undefined) {
    problems.push(`it has run: ${JSON.stringify(state)}`);
  }
  return problems;
}

/** Events which say that a container of these pods began. */
async function startedOf(
  { cluster, namespace }: Stage,
  names: readonly string[],
): Promise<string[]> {
  const { items } = await cluster.get<{ items: Event[] }>(`/api/v1/namespaces/${namespace}/events`);
  return items
    .filter(({ reason }) => ["Pulled", "Created", "Started"].includes(reason))
    .filter(({ involvedObject: { name = "" } }) => names.includes(name))
    .map(({ reason, involvedObject }) => `${reason} ${involvedObject.name}`);
}

/** A pod goes while its module comes a byte at a time: what had come goes with it. */
async function stopInTheMiddle(stage: Stage): Promise<void> {
  const { cluster, world, node, namespace } = stage;
  const [name, repo] = ["half-way", "bad/half-way"];
  const bytes = new Uint8Array(100_000).fill(7);
  const image = module(world, { repo, bytes });
  world.registry.answers(repo, (request, response, serve) => {
    if (!request.url?.endsWith(digestOf(bytes))) return serve();
    response.writeHead(200, { "content-length": bytes.length }).write(bytes.subarray(0, 50_000));
    const timer = setInterval(() => response.write(bytes.subarray(0, 1)), 100);
    response.on("close", () => clearInterval(timer));
  });
  await createBad(stage, name, { image: () => image, says: /never/ });
  const partial = join(node.dataDir, "images/partial");
  await eventually("half of a module to be there", async () => {
    for await (const entry of Deno.readDir(partial)) {
      if ((await Deno.stat(join(partial, entry.name))).size >= 50_000) return true;
    }
    return false;
  });
  await cluster.delete(podPath(stage, name));
  await waitGone(cluster, { namespace, name });
}

/** What should not be in the folder of an agent that has refused all bad images. */
async function odditiesOfStore(dir: string): Promise<string[]> {
  const odd: string[] = [];
  for await (const path of filesIn(dir)) {
    if (/^(partial|trees)\//.test(path)) {
      odd.push(`${path} is left behind`);
      continue;
    }
    const bytes = await Deno.readFile(join(dir, path));
    const [, algorithm, hex] = /^blobs\/(\w+)\/(\w+)$/.exec(path) ?? [];
    if (algorithm === undefined) {
      const text = new TextDecoder().decode(bytes);
      if (text.includes("bad/")) odd.push(`${path} names a bad image`);
    } else if (digestOf(bytes) !== `${algorithm}:${hex}`) {
      odd.push(`${path} is not what its name says`);
    }
  }
  return odd;
}

async function* filesIn(dir: string, below = ""): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(join(dir, below))) {
    const path = join(below, name);
    if (isDirectory && below !== "partial" && below !== "trees") yield* filesIn(dir, path);
    else yield path;
  }
}

/** What the node's status says that it has. */
async function imagesOnNode({ node }: Stage): Promise<string[]> {
  return await eventually("the node to tell its images", async () => {
    const images = (await node.node())?.status.images ?? [];
    const names = images.flatMap(({ names = [] }) => names);
    return names.some((name) => name.includes(PRIVATE)) ? names : undefined;
  }, { withinMs: 60_000 });
}

function podPath({ namespace }: Stage, name: string): string {
  return `/api/v1/namespaces/${namespace}/pods/${name}`;
}
