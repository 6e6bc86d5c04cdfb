/** What the agent says when it cannot start. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { eventually } from "./harness/eventually.ts";
import { prepareKrustlet, startKrustlet, writeBootstrapFile } from "./harness/kubelet.ts";
import { useCluster } from "./harness/testbed.ts";
import { tempFolder } from "./harness/temp_folder.ts";

const scenario = useCluster();

scenario("a bad flag is named, with what is allowed", async (cluster) => {
  for (
    const [args, words] of [
      [["--port", "8675309"], /port[\s\S]*8675309[\s\S]*65535/i],
      [["--max-pods", "many"], /max-pods[\s\S]*many/],
      [["--no-such-flag"], /no-such-flag/],
      [["--node-labels", "a b=c"], /node-labels/],
    ] as const
  ) {
    await using node = await prepareKrustlet(cluster, { args });
    await node.start();
    assert.equal((await node.process.ended).code, 2);
    assert.match(await node.log(), words);
    assert.doesNotMatch(await node.log(), /\n\s+at /, "people get words, not stacks");
  }
});

scenario("an unreadable config file is named, with where it is wrong", async (cluster) => {
  await using folder = await tempFolder();
  const path = join(folder.path, "config.json");
  await Deno.writeTextFile(path, '{"maxPods": 5,,}');
  await using node = await prepareKrustlet(cluster, { args: ["--config", path] });
  await node.start();
  assert.equal((await node.process.ended).code, 2);
  assert.match(await node.log(), /config\.json/);
});

scenario("a value of the config file is used, and a flag is stronger", async (cluster) => {
  await using folder = await tempFolder();
  const path = join(folder.path, "config.json");
  await Deno.writeTextFile(path, JSON.stringify({ maxPods: 7, nodeLabels: { from: "file" } }));
  await using node = await startKrustlet(cluster, {
    args: ["--config", path, "--max-pods", "9"],
  });
  const seen = await node.node();
  assert.equal(seen?.status.capacity?.["pods"], "9");
  assert.equal(seen?.metadata.labels?.["from"], "file");
});

scenario("a port in use is named", async (cluster) => {
  await using node = await prepareKrustlet(cluster);
  using taken = Deno.listen({ hostname: "0.0.0.0", port: node.port });
  await node.start();
  await node.approve();
  const { code } = await node.process.ended;
  assert.notEqual(code, 0);
  assert.match(await node.log(), new RegExp(`port[^\\n]*${taken.addr.port}`, "i"));
});

scenario("an expired bootstrap token is a clear end", async (cluster) => {
  await using node = await prepareKrustlet(cluster);
  await writeBootstrapFile(cluster, node.bootstrapFile, -60_000);
  await node.start();
  const { code } = await node.process.ended;
  assert.notEqual(code, 0);
  assert.match(await node.log(), /token|unauthorized|401/i);
});

scenario("a denied request for a certificate is a clear end", async (cluster) => {
  await using node = await prepareKrustlet(cluster);
  await node.start();
  const name = await eventually("the agent to ask for approval", async () => {
    await node.process.mustRun();
    return /certificate approve (\S+)/.exec(await node.log())?.[1];
  });
  await cluster.kubectl(["certificate", "deny", name]);
  const { code } = await node.process.ended;
  assert.notEqual(code, 0);
  assert.match(await node.log(), /denied/i);
});

scenario("without kubeconfig and bootstrap file the agent says what to do", async (cluster) => {
  await using node = await prepareKrustlet(cluster);
  await Deno.remove(node.bootstrapFile);
  await node.start();
  assert.notEqual((await node.process.ended).code, 0);
  assert.match(await node.log(), /krustlet bootstrap/);
});
