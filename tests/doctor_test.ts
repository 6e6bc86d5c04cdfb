/** What krustlet doctor finds on the way of a node into its cluster. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type CommandResult, runKrustlet } from "./harness/command.ts";
import { eventually } from "./harness/eventually.ts";
import { type Krustlet, prepareKrustlet, startKrustlet } from "./harness/kubelet.ts";
import { tempFolder } from "./harness/temp_folder.ts";
import { useCluster } from "./harness/testbed.ts";

interface Report {
  readonly ok: boolean;
  readonly findings: readonly {
    readonly check: string;
    readonly state: "ok" | "warn" | "fail";
    readonly message: string;
    readonly advice?: string;
  }[];
}

/** Examines a node with the options that it is started with. */
async function examine(node: Krustlet, ...args: string[]): Promise<CommandResult> {
  return await runKrustlet([
    "doctor",
    ...["--node-name", node.nodeName, "--hostname", node.nodeName, "--node-ip", node.nodeIp],
    ...["--port", String(node.port), "--data-dir", node.dataDir],
    // What pods can have else depends on the rights of whoever runs the tests.
    ...["--bootstrap-file", node.bootstrapFile, "--pod-network", "loopback", ...args],
  ], { env: { KUBECONFIG: node.kubeconfig } });
}

async function report(node: Krustlet): Promise<Report & { readonly code: number }> {
  const { code, stdout, stderr } = await examine(node, "-o", "json");
  assert.equal(stderr, "");
  return { ...JSON.parse(stdout), code };
}

/** The findings that are not ok, as `check state`. */
function troubles({ findings }: Report): string[] {
  return findings.filter(({ state }) => state !== "ok").map(({ check, state }) =>
    `${check} ${state}`
  );
}

const scenario = useCluster();

scenario("krustlet doctor follows a node on its way into the cluster", async (cluster) => {
  await using node = await prepareKrustlet(cluster);
  const before = await report(node);
  assert.deepEqual(troubles(before), ["serving-certificate warn"]);
  assert.equal(before.code, 0);
  assert.match(
    before.findings.find(({ check }) => check === "identity")?.message ?? "",
    /system:bootstrap:/,
  );

  await node.start();
  const waiting = await eventually("the serving request to wait", async () => {
    await node.process.mustRun();
    const seen = await report(node);
    return troubles(seen).includes("requests warn") && seen;
  }, { withinMs: 60_000 });
  const { advice = "" } = waiting.findings.find(({ check }) => check === "requests")!;
  const [, approval = ""] = /^kubectl (certificate approve \S+)$/.exec(advice) ?? [];
  await cluster.kubectl(approval.split(" "));
  await node.waitReady();

  const after = await report(node);
  assert.deepEqual(troubles(after), []);
  assert.deepEqual([after.ok, after.code], [true, 0]);
  const port = after.findings.find(({ check }) => check === "port");
  assert.match(port?.message ?? "", /the agent that runs/);
  const { stdout } = await examine(node);
  assert.match(stdout, /^ok {4}rights .*all that a node has to do is allowed$/m);
  assert.match(stdout, /Nothing is in the way; 0 worth a look\n$/);
});

scenario("krustlet doctor knows the wrong node, and a person", async (cluster) => {
  await using node = await startKrustlet(cluster);
  const other = await examine(node, "-o", "json", "--node-name", "somebody-else");
  assert.equal(other.code, 1);
  const findings: Report["findings"] = JSON.parse(other.stdout).findings;
  const identity = findings.find(({ check }) => check === "identity");
  assert.equal(identity?.state, "fail");
  assert.match(identity?.advice ?? "", new RegExp(`--node-name ${node.nodeName}`));
  assert.equal(findings.find(({ check }) => check === "rights")?.state, "fail");

  const admin = await examine(node, "-o", "json", "--kubeconfig", cluster.kubeconfig);
  const seen = JSON.parse(admin.stdout).findings as Report["findings"];
  assert.equal(seen.find(({ check }) => check === "identity")?.state, "warn");
});

scenario("krustlet doctor says what is missing, and ends with 1", async (cluster) => {
  await using node = await prepareKrustlet(cluster);
  await using folder = await tempFolder();
  await Deno.remove(node.bootstrapFile);
  const nothing = await report(node);
  assert.equal(nothing.code, 1);
  const [kubeconfig] = nothing.findings;
  assert.equal(kubeconfig?.state, "fail");
  assert.match(kubeconfig?.advice ?? "", /krustlet bootstrap/);

  // A cluster that is not there, by a name that nobody knows.
  const path = join(folder.path, "kubeconfig");
  const text = await Deno.readTextFile(cluster.kubeconfig);
  await Deno.writeTextFile(path, text.replace(/https:\/\/[^"]+/, "https://no-such-host.invalid"));
  const { code, stdout } = await examine(node, "--kubeconfig", path);
  assert.equal(code, 1);
  assert.match(stdout, /^fail {2}dns .*no-such-host\.invalid/m);
  assert.match(stdout, /^fail {2}api-server /m);
});
