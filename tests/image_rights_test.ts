/** Who may use an image that is on the node, and whose credentials it is pulled with. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { guest } from "./guests/build.ts";
import type { Cluster } from "./harness/cluster.ts";
import {
  type CredentialProvider,
  makeCredentialProvider,
  USER_ANNOTATION,
} from "./harness/credential_provider.ts";
import { type Krustlet, startKrustlet } from "./harness/kubelet.ts";
import { NodePods } from "./harness/node_pods.ts";
import { pushArtifact } from "./harness/push.ts";
import { type Registry, startRegistry } from "./harness/registry.ts";
import { useCluster } from "./harness/testbed.ts";
import { getPod, type PodRef, waitEvent, waitPod } from "./harness/wait_pod.ts";

const scenario = useCluster();

const LOGIN = { user: "ada", password: "lovelace" };
const AUDIENCE = "registry.example.com";

scenario("credentials of a provider are for the pods of one service account", async (cluster) => {
  await using room = await Room.open(cluster);
  const { node, provider } = room;
  await allowAudience(cluster, node);
  await using own = await NodePods.open(node);
  await using other = await NodePods.open(node);
  await account(own, "reader", { [USER_ANNOTATION]: LOGIN.user });
  await account(own, "stranger", { [USER_ANNOTATION]: "eve" });
  await account(own, "nobody", {});
  await account(other, "reader", { [USER_ANNOTATION]: "eve" });
  const [first, second] = [await room.push("first"), await room.push("second")];

  const ref = await own.succeeds("first", first, as("reader"));
  const [request] = await provider.requests();
  assert.equal(request?.image, first.replace(/:v1$/, ""));
  assert.deepEqual(request?.serviceAccountAnnotations, { [USER_ANNOTATION]: LOGIN.user });
  await checkToken(cluster, request.serviceAccountToken, ref);

  await own.succeeds("second", second, as("reader"));
  assert.equal((await provider.requests()).length, 1, "one answer was good for the registry");

  // The image is here, and it is not theirs.
  await refused(own, "stranger", first);
  await refused(other, "reader", first);
  const later = (await provider.requests()).slice(1);
  const users = later.map((one) => one.serviceAccountAnnotations[USER_ANNOTATION]);
  assert.deepEqual([...new Set(users)], ["eve"]);
  assert.equal(new Set(later.map((one) => one.serviceAccountToken)).size, later.length);
  const asked = later.length + 1;
  await refused(own, "nobody", first);
  assert.equal((await provider.requests()).length, asked, "the provider is not for it");

  // What was proven once stays so, though the agent has forgotten the provider's answer.
  const pulls = await room.pulls("first");
  await own.succeeds("again", first, as("reader"));
  await node.end("SIGKILL");
  await node.restart();
  await own.succeeds("after-restart", first, as("reader"));
  assert.equal(await room.pulls("first"), pulls);
});

scenario("an image pulled with a secret is not for pods that cannot show one", async (cluster) => {
  await using room = await Room.open(cluster);
  const { node } = room;
  await using own = await NodePods.open(node);
  await using other = await NodePods.open(node);
  const image = await room.push("private");
  await room.secret(own, "right", LOGIN.password);
  await own.succeeds("owner", image, { imagePullSecrets: [{ name: "right" }] });

  await refused(other, "default", image);
  await room.secret(other, "wrong", "babbage");
  await refused(other, "default", image, { imagePullSecrets: [{ name: "wrong" }] });

  const pulls = await room.pulls("private");
  await own.succeeds("again", image, { imagePullSecrets: [{ name: "right" }] });
  await room.secret(other, "copy", LOGIN.password);
  await other.succeeds("same-credential", image, { imagePullSecrets: [{ name: "copy" }] });
  assert.equal(await room.pulls("private"), pulls, "the registry need not be asked again");
});

/** A node with a credential provider, and a registry that wants Basic authentication. */
class Room implements AsyncDisposable {
  readonly node: Krustlet;
  readonly registry: Registry;
  readonly provider: CredentialProvider;
  readonly #parts: AsyncDisposableStack;

  static async open(cluster: Cluster): Promise<Room> {
    await using parts = new AsyncDisposableStack();
    const certs = join(cluster.dir, "certs");
    const registry = parts.use(await startRegistry({ certs, auth: "basic", ...LOGIN }));
    const { host } = registry;
    const provider = parts.use(
      await makeCredentialProvider({ host, ...LOGIN, audience: AUDIENCE }),
    );
    const { args } = provider;
    const node = parts.use(await startKrustlet(cluster, { args, trustedRegistries: [host] }));
    return new Room({ node, registry, provider, parts: parts.move() });
  }

  private constructor(
    { node, registry, provider, parts }: Pick<Room, "node" | "registry" | "provider"> & {
      readonly parts: AsyncDisposableStack;
    },
  ) {
    this.node = node;
    this.registry = registry;
    this.provider = provider;
    this.#parts = parts;
  }

  /** Pushes a program that says hello, and answers its name with a tag. */
  async push(repo: string): Promise<string> {
    const wasm = await Deno.readFile(await guest("hello"));
    return (await pushArtifact(this.registry, { repo, wasm })).image;
  }

  /** How often anything of a repository was asked for by its names. */
  async pulls(repo: string): Promise<number> {
    const requests = await this.registry.requests();
    return requests.filter((line) => line.includes(`/v2/${repo}/manifests/`)).length;
  }

  /** Makes a pull secret for the registry's user. */
  async secret(pods: NodePods, name: string, password: string): Promise<void> {
    const auths = { [this.registry.host]: { username: LOGIN.user, password } };
    await pods.create("secrets", {
      metadata: { name },
      type: "kubernetes.io/dockerconfigjson",
      stringData: { ".dockerconfigjson": JSON.stringify({ auths }) },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts[Symbol.asyncDispose]();
  }
}

function as(serviceAccountName: string): Readonly<Record<string, unknown>> {
  return { serviceAccountName };
}

async function account(
  pods: NodePods,
  name: string,
  annotations: Readonly<Record<string, string>>,
): Promise<void> {
  await pods.create("serviceaccounts", { metadata: { name, annotations } });
}

/** Creates a pod that wants the image only if it is not here, and sees that it does not get it. */
async function refused(
  pods: NodePods,
  serviceAccount: string,
  image: string,
  spec: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const name = `refused-${crypto.randomUUID().slice(0, 8)}`;
  const containers = [{ image, imagePullPolicy: "IfNotPresent" }];
  const ref = await pods.pod({ name, containers, spec: { ...as(serviceAccount), ...spec } });
  const { cluster } = pods;
  await waitPod(cluster, ref, {
    to: "be refused the image",
    wanted: ({ status }) =>
      ["ErrImagePull", "ImagePullBackOff"].includes(
        status.containerStatuses?.[0]?.state?.waiting?.reason ?? "",
      ),
  });
  await waitEvent(cluster, ref, { reason: "Failed", message: /401|unauthorized|credentials/i });
  await pods.remove(ref);
}

/** The token is of the pod's service account, for one audience, bound to the pod, and genuine. */
async function checkToken(cluster: Cluster, token: string, ref: PodRef): Promise<void> {
  const { metadata } = await getPod(cluster, ref);
  const claims = JSON.parse(atob(token.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/")));
  assert.deepEqual(claims.aud, [AUDIENCE]);
  assert.equal(claims.sub, `system:serviceaccount:${ref.namespace}:reader`);
  assert.deepEqual(claims["kubernetes.io"].pod, { name: ref.name, uid: metadata.uid });
  const review = async (spec: unknown): Promise<boolean> => {
    const { status } = await cluster.create<{ status: { authenticated?: boolean } }>(
      "/apis/authentication.k8s.io/v1/tokenreviews",
      { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec },
    );
    return status.authenticated === true;
  };
  assert.equal(await review({ token, audiences: [AUDIENCE] }), true);
  assert.equal(await review({ token }), false, "it is no key to the API server");
}

/** Lets a node ask for tokens of this audience, as an operator must (KEP-4412). */
async function allowAudience(cluster: Cluster, node: Krustlet): Promise<void> {
  const name = `image-pulls-of-${node.nodeName}`;
  const rbac = "/apis/rbac.authorization.k8s.io/v1";
  await cluster.create(`${rbac}/clusterroles`, {
    metadata: { name },
    rules: [{
      apiGroups: [""],
      resources: [AUDIENCE],
      verbs: ["request-serviceaccounts-token-audience"],
    }],
  });
  await cluster.create(`${rbac}/clusterrolebindings`, {
    metadata: { name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
    subjects: [{
      kind: "User",
      apiGroup: "rbac.authorization.k8s.io",
      name: `system:node:${node.nodeName}`,
    }],
  });
}
