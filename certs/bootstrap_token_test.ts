import assert from "node:assert/strict";
import { join } from "node:path";
import { HttpError } from "./_test_cluster.ts";
import { ensureBootstrapRbac } from "./bootstrap_rbac.ts";
import {
  type BootstrapObjects,
  bootstrapTokenText,
  createBootstrapToken,
  type KubernetesObject,
  newBootstrapToken,
} from "./bootstrap_token.ts";
import { bootstrapKubeconfig, nodeKubeconfig, writeKubeconfig } from "./kubeconfig.ts";

/** Keeps objects by kind and name, as far as an administrator's client goes. */
class FakeObjects implements BootstrapObjects {
  readonly stored = new Map<string, KubernetesObject>();
  readonly failures: (Error | undefined)[] = [];

  async create(object: KubernetesObject): Promise<void> {
    await Promise.resolve();
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    const key = `${object.kind}/${object.metadata.name}`;
    if (this.stored.has(key)) throw new HttpError(409);
    this.stored.set(key, object);
  }

  get(reference: { kind: string; name: string }): Promise<KubernetesObject | undefined> {
    return Promise.resolve(this.stored.get(`${reference.kind}/${reference.name}`));
  }
}

Deno.test("newBootstrapToken() has Kubernetes' form, uses every character, and favours none", () => {
  const counts = new Map<string, number>();
  const tokens = 4_500;
  for (let i = 0; i < tokens; i++) {
    const text = bootstrapTokenText(newBootstrapToken());
    assert.match(text, /^[a-z0-9]{6}\.[a-z0-9]{16}$/);
    for (const character of text.replace(".", "")) {
      counts.set(character, (counts.get(character) ?? 0) + 1);
    }
  }
  assert.equal(counts.size, 36);
  // 99,000 draws: 2,750 each, standard deviation 52. A bare `% 36` gives a–d 3,094 and the others
  // 2,707: six deviations away on the one side. Seven are by chance in one of 10^11 runs.
  const mean = tokens * 22 / 36;
  const bias = ["a", "b", "c", "d"].reduce((sum, each) => sum + counts.get(each)!, 0) - 4 * mean;
  assert.ok(Math.abs(bias) < 7 * Math.sqrt(4 * mean), `bias of a–d: ${bias}`);
});

Deno.test("createBootstrapToken() stores the Secret that the API server reads", async () => {
  const objects = new FakeObjects();
  const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
  const { token, expiresMs } = await createBootstrapToken(objects, { nowMs });
  assert.equal(expiresMs, nowMs + 3_600_000);
  const { metadata, type, stringData, apiVersion } =
    objects.stored.get(`Secret/bootstrap-token-${token.id}`) ?? assert.fail("no Secret");
  assert.equal(apiVersion, "v1");
  assert.equal(metadata.namespace, "kube-system");
  assert.equal(type, "bootstrap.kubernetes.io/token");
  assert.deepEqual(stringData, {
    description: `Lets a machine ask to become a node; made by "krustlet bootstrap"`,
    "token-id": token.id,
    "token-secret": token.secret,
    expiration: "2026-01-02T04:04:05Z",
    "usage-bootstrap-authentication": "true",
    "usage-bootstrap-signing": "true",
    "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
  });
});

Deno.test("createBootstrapToken() takes another token when the id is taken", async () => {
  const objects = new FakeObjects();
  objects.failures.push(new HttpError(409), new HttpError(409));
  await createBootstrapToken(objects);
  assert.equal(objects.stored.size, 1);
  objects.failures.push(new HttpError(409), new HttpError(409), new HttpError(409));
  await assert.rejects(createBootstrapToken(objects), { code: "refused" });
});

Deno.test("createBootstrapToken() says who may do it, and refuses a life without end", async () => {
  const objects = new FakeObjects();
  objects.failures.push(new HttpError(403));
  await assert.rejects(createBootstrapToken(objects), (error) => {
    assert.ok(error instanceof Error);
    assert.match(error.message, /run this as a cluster administrator/);
    return true;
  });
  for (const ttlMs of [0, -1, Number.NaN, Infinity, 1e16]) {
    await assert.rejects(createBootstrapToken(objects, { ttlMs }), { code: "invalid" });
  }
  assert.equal(objects.stored.size, 0);
});

const ROLE_PREFIX = "system:certificates.k8s.io:certificatesigningrequests:";

Deno.test("ensureBootstrapRbac() creates what is missing, and the second time nothing", async () => {
  const objects = new FakeObjects();
  const first = await ensureBootstrapRbac(objects);
  assert.deepEqual(first.map(({ outcome }) => outcome), ["created", "created", "created"]);
  const grants = [...objects.stored.values()].map(({ roleRef, subjects }) =>
    JSON.parse(JSON.stringify([roleRef, subjects]))
  ).map(([role, [group]]) => [role.name, group.name]);
  assert.deepEqual(grants, [
    ["system:node-bootstrapper", "system:bootstrappers:kubeadm:default-node-token"],
    [`${ROLE_PREFIX}nodeclient`, "system:bootstrappers:kubeadm:default-node-token"],
    [`${ROLE_PREFIX}selfnodeclient`, "system:nodes"],
  ]);
  const second = await ensureBootstrapRbac(objects);
  assert.deepEqual(second.map(({ outcome }) => outcome), ["existed", "existed", "existed"]);
  assert.equal(objects.stored.size, 3);
});

function binding(name: string, role: string, group: string): KubernetesObject {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
    subjects: [
      { kind: "Group", name: "others" },
      { kind: "Group", name: group },
    ],
  };
}

Deno.test("ensureBootstrapRbac() is content with the bindings of kubeadm", async () => {
  const objects = new FakeObjects();
  await objects.create(
    binding(
      "kubeadm:node-autoapprove-bootstrap",
      `${ROLE_PREFIX}nodeclient`,
      "system:bootstrappers:kubeadm:default-node-token",
    ),
  );
  const reports = await ensureBootstrapRbac(objects);
  assert.deepEqual(reports.map(({ name, outcome }) => [name, outcome]), [
    ["krustlet:node-bootstrapper", "created"],
    ["kubeadm:node-autoapprove-bootstrap", "existed"],
    ["krustlet:node-autoapprove-certificate-rotation", "created"],
  ]);
});

Deno.test("ensureBootstrapRbac() leaves a binding alone that grants something else", async () => {
  const objects = new FakeObjects();
  const foreign = binding("krustlet:node-bootstrapper", "cluster-admin", "someone");
  await objects.create(foreign);
  const [report] = await ensureBootstrapRbac(objects);
  assert.equal(report?.outcome, "differs");
  assert.match(
    report?.message ?? "",
    /"krustlet:node-bootstrapper" .*delete it and run this again/,
  );
  assert.equal(objects.stored.get("ClusterRoleBinding/krustlet:node-bootstrapper"), foreign);
});

Deno.test("ensureBootstrapRbac() accepts what another administrator made meanwhile", async () => {
  const objects = new FakeObjects();
  const create = objects.create.bind(objects);
  objects.create = async (object) => {
    await create(object);
    await create(object); // the other one was first
  };
  const reports = await ensureBootstrapRbac(objects);
  assert.deepEqual(reports.map(({ outcome }) => outcome), ["existed", "existed", "existed"]);
});

Deno.test("ensureBootstrapRbac() names the binding that it may not make", async () => {
  const objects = new FakeObjects();
  objects.failures.push(new HttpError(403, "forbidden: attempting to grant RBAC permissions"));
  await assert.rejects(ensureBootstrapRbac(objects), {
    code: "forbidden",
    message: `Cannot make ClusterRoleBinding "krustlet:node-bootstrapper": ` +
      `forbidden: attempting to grant RBAC permissions; run this as a cluster administrator`,
  });
});

const CLUSTER = { server: "https://10.0.0.1:6443", "certificate-authority-data": "Q0E=" };

Deno.test("bootstrapKubeconfig() has the names that Krustlet's script gave", () => {
  const config = bootstrapKubeconfig(CLUSTER, { id: "abcdef", secret: "0123456789abcdef" });
  assert.deepEqual(config, {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "kubernetes", cluster: CLUSTER }],
    users: [{ name: "tls-bootstrap-token-user", user: { token: "abcdef.0123456789abcdef" } }],
    contexts: [{
      name: "tls-bootstrap-token-user@kubernetes",
      context: {
        cluster: "kubernetes",
        user: "tls-bootstrap-token-user",
        namespace: "kube-system",
      },
    }],
    "current-context": "tls-bootstrap-token-user@kubernetes",
  });
});

Deno.test("writeKubeconfig() writes what every reader reads, for its owner only", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const path = join(dir, "config", "kubeconfig");
    const files = { certificateFile: "c.crt", keyFile: "c.key" };
    await writeKubeconfig(path, nodeKubeconfig(CLUSTER, files));
    const config = JSON.parse(await Deno.readTextFile(path));
    assert.deepEqual(config.users, [
      { name: "krustlet", user: { "client-certificate": "c.crt", "client-key": "c.key" } },
    ]);
    assert.equal(config["current-context"], "krustlet");
    assert.deepEqual(config.contexts[0].context, { cluster: "krustlet", user: "krustlet" });
    if (Deno.build.os !== "windows") {
      assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
