/** `krustlet bootstrap`, and a node that joins by what it wrote. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { runKrustlet } from "./harness/command.ts";
import { prepareKrustlet } from "./harness/kubelet.ts";
import { tempFolder } from "./harness/temp_folder.ts";
import { useCluster } from "./harness/testbed.ts";

const scenario = useCluster();
const SECRETS = "/api/v1/namespaces/kube-system/secrets";

scenario("krustlet bootstrap writes a file with which a node joins", async (cluster) => {
  await using node = await prepareKrustlet(cluster);
  await Deno.remove(node.bootstrapFile);
  const { code, stdout, stderr } = await runKrustlet(
    ["bootstrap", "--bootstrap-file", node.bootstrapFile],
    { env: { KUBECONFIG: cluster.kubeconfig } },
  );
  assert.equal(code, 0, stderr);
  assert.ok(stdout.includes(node.bootstrapFile), stdout);
  assert.equal((await Deno.stat(node.bootstrapFile)).mode! & 0o777, 0o600);
  await node.start();
  await node.approve();
  await node.waitReady();
});

scenario("krustlet bootstrap without rights says what is missing", async (cluster) => {
  await using folder = await tempFolder();
  const { code, stderr } = await runKrustlet(
    ["bootstrap", "--bootstrap-file", join(folder.path, "bootstrap.conf")],
    { env: { KUBECONFIG: join(cluster.dir, "scheduler.kubeconfig") } },
  );
  assert.notEqual(code, 0);
  assert.match(stderr, /forbidden/i);
  await assert.rejects(Deno.stat(join(folder.path, "bootstrap.conf")), Deno.errors.NotFound);
});

scenario(
  "krustlet bootstrap --print-objects asks nobody, and a node joins by what it printed",
  async (cluster) => {
    await using node = await prepareKrustlet(cluster);
    await Deno.remove(node.bootstrapFile);
    const { code, stdout, stderr } = await runKrustlet(
      ["bootstrap", "--print-objects", "--bootstrap-file", node.bootstrapFile],
      // Who may make none of it.
      { env: { KUBECONFIG: join(cluster.dir, "scheduler.kubeconfig") } },
    );
    assert.equal(code, 0, stderr);
    const [secret, ...others] = parseAllDocuments(stdout).map((document) => document.toJS());
    assert.equal(secret.type, "bootstrap.kubernetes.io/token");
    assert.equal(await cluster.find(`${SECRETS}/${secret.metadata.name}`), undefined);
    const kept = await Deno.readTextFile(new URL("../deploy/bootstrap/rbac.yaml", import.meta.url));
    assert.deepEqual(others, parseAllDocuments(kept).map((document) => document.toJS()));
    await cluster.kubectl(["apply", "-f", "-"], { input: stdout });
    await node.start();
    await node.approve();
    await node.waitReady();
  },
);
