/**
 * Certificates of a node that end soon, and are followed by others while it works.
 *
 * `deno task rotation` does the same with certificates of two minutes, ten times.
 */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { connect } from "node:tls";
import { guest } from "./guests/build.ts";
import { Approver } from "./harness/approver.ts";
import type { Cluster } from "./harness/cluster.ts";
import { startControlPlane } from "./harness/control_plane.ts";
import { eventually } from "./harness/eventually.ts";
import { type Krustlet, prepareKrustlet, writeBootstrapFile } from "./harness/kubelet.ts";
import { podManifest } from "./harness/manifests.ts";
import { clusterTest } from "./harness/testbed.ts";
import { waitEnded, waitRunning } from "./harness/wait_pod.ts";

const SECONDS = Number(Deno.env.get("CERTIFICATE_SECONDS") ?? 60);
const ROTATIONS = Number(Deno.env.get("CERTIFICATE_ROTATIONS") ?? 2);
/** How often the guest writes a line. */
const LINE_MS = 500;

clusterTest("logs -f and the agent's watch go on while certificates come and go", async () => {
  await using plane = await startControlPlane({ signingDuration: `${SECONDS}s` });
  const { cluster } = plane;
  await using node = await prepareKrustlet(cluster, {
    args: ["--x-allow-local-modules", "true"],
  });
  await using approver = await Approver.start(cluster, node.nodeName);
  await node.start();
  await node.waitReady();
  // From now on only its certificates let it in.
  await Deno.remove(node.bootstrapFile);
  await using namespace = await cluster.namespace("test");
  const exerciser = `file:${await guest("go_exerciser")}`;
  const create = async (name: string, args: string[]): Promise<Parameters<typeof waitEnded>[1]> => {
    const { nodeName } = node;
    const manifest = podManifest({ name, nodeName, containers: [{ image: exerciser, args }] });
    await cluster.create(`/api/v1/namespaces/${namespace.name}/pods`, manifest);
    return { namespace: namespace.name, name };
  };
  const first = await clientOf(node);
  const firstServing = await servedCertificate(node);
  const lines = Math.ceil(ROTATIONS * SECONDS * 1_000 / LINE_MS);
  const talk = Array.from({ length: lines }, (_, n) => [
    `write(lit:line ${n})to(stm:stdout)`,
    `sleep(${LINE_MS})`,
  ]);
  const talker = await create("talker", talk.flat());
  await waitRunning(cluster, talker);
  const following = cluster.kubectl(["logs", "-n", namespace.name, "-f", "talker"]);
  following.catch(() => {}); // looked at below

  for (let round = 1; round <= ROTATIONS; round++) {
    await eventually(`rotation ${round} of both certificates`, async () => {
      await node.process.mustRun();
      return approver.issued("client") >= round && approver.issued("serving") > round;
    }, { withinMs: (SECONDS + 30) * 1_000 });
    // It comes by the watch that was open, or by its successor.
    const pod = await create(`pod-${round}`, ["write(lit:hi)to(stm:stdout)"]);
    await waitEnded(cluster, pod, "Succeeded");
  }
  assert.equal(
    await eventually("the first client certificate to be refused", async () => {
      const status = await statusAs(cluster, first, `/api/v1/nodes/${node.nodeName}`);
      return status === 401 && status;
    }, { withinMs: (SECONDS + 30) * 1_000 }),
    401,
  );
  assert.equal(
    await statusAs(cluster, await clientOf(node), `/api/v1/nodes/${node.nodeName}`),
    200,
  );
  const serving = await servedCertificate(node);
  assert.notEqual(serving.fingerprint, firstServing.fingerprint);
  assert.ok(Date.parse(firstServing.valid_to) < Date.now(), "the first one has ended");
  assert.ok(Date.parse(serving.valid_to) > Date.now());

  await waitEnded(cluster, talker, "Succeeded", 2 * lines * LINE_MS);
  const words = (await following).split("\n").filter((line) => line.startsWith("line "));
  assert.deepEqual(words, Array.from({ length: lines }, (_, n) => `line ${n}`));
  const after = await create("after", ["write(lit:still here)to(stm:stdout)"]);
  await waitEnded(cluster, after, "Succeeded");
  assert.match(await cluster.kubectl(["logs", "-n", namespace.name, "after"]), /still here/);
  await node.waitReady();
  assert.doesNotMatch(await node.log(), /Cannot watch|Cannot renew|401/);
});

clusterTest(
  "a request that is denied is told and followed by another; what has ended begins anew",
  async () => {
    await using plane = await startControlPlane({ signingDuration: "20s" });
    const { cluster } = plane;
    await using node = await prepareKrustlet(cluster);
    await using approver = await Approver.start(cluster, node.nodeName);
    await node.start();
    await node.waitReady();
    approver.denyNext = true;
    const event = await eventually("the node's Event", async () => {
      await node.process.mustRun();
      const selector = `involvedObject.kind=Node,reason=CertificateRenewalFailed`;
      const { items } = await cluster.get<{ items: { message: string }[] }>(
        `/api/v1/namespaces/default/events?fieldSelector=${encodeURIComponent(selector)}`,
      );
      return items.find(({ message }) => message.includes("denied"));
    }, { withinMs: 60_000 });
    assert.match(event.message, /^Cannot renew the serving certificate, which end/);
    const issued = approver.issued("serving");
    await eventually("the next request to be granted", async () => {
      await node.process.mustRun();
      return approver.issued("serving") > issued;
    }, { withinMs: 60_000 });
    // What it says while there is trouble may be over too soon to be seen.
    const conditions = (await node.waitReady()).status.conditions ?? [];
    assert.ok(conditions.some(({ type }) => type === "CertificatesExpiring"));

    await node.end("SIGKILL");
    const client = await clientOf(node);
    // For the API server it ends when its last second begins, for others when that is over.
    const endMs = Date.parse(new X509Certificate(client.cert).validTo) + 1_000;
    await eventually("the client certificate to end", async () => {
      return await statusAs(cluster, client, "/api/v1/nodes") === 401 && Date.now() > endMs;
    }, { withinMs: 60_000 });
    await Deno.remove(node.bootstrapFile);
    await node.start();
    const { code } = await eventually(
      "the agent to end",
      () => Promise.resolve(node.process.ending),
      { withinMs: 60_000 },
    );
    assert.equal(code, 2);
    assert.match(await node.log(), /its client certificate has expired, at .*krustlet bootstrap$/m);
    await writeBootstrapFile(cluster, node.bootstrapFile);
    await node.start();
    await eventually("another client certificate", async () => {
      await node.process.mustRun();
      return (await clientOf(node)).cert !== client.cert;
    }, { withinMs: 60_000 });
    await eventually("the node to serve with another certificate", async () => {
      await node.process.mustRun();
      return Date.parse((await servedCertificate(node)).valid_to) > Date.now();
    }, { withinMs: 60_000 });
  },
);

interface ClientPair {
  readonly cert: string;
  readonly key: string;
}

async function clientOf(node: Krustlet): Promise<ClientPair> {
  const read = (file: string): Promise<string> =>
    Deno.readTextFile(join(node.dataDir, "config", file));
  return { cert: await read("krustlet-client.crt"), key: await read("krustlet-client.key") };
}

/** What the API server answers to a GET with this certificate, over a connection of its own. */
async function statusAs(cluster: Cluster, pair: ClientPair, path: string): Promise<number> {
  const caCerts = [await Deno.readTextFile(join(cluster.dir, "certs/ca.crt"))];
  using client = Deno.createHttpClient({ ...pair, caCerts, http2: false });
  const response = await fetch(cluster.server + path, { client });
  await response.body?.cancel();
  return response.status;
}

/** The certificate with which the node's API answers a new connection. */
async function servedCertificate(
  node: Krustlet,
): Promise<{ readonly fingerprint: string; readonly valid_to: string }> {
  const ca = await Deno.readTextFile(join(node.cluster.dir, "certs/ca.crt"));
  const socket = connect({ host: node.nodeIp, port: node.port, ca });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once("secureConnect", () => resolve());
  socket.once("error", reject);
  try {
    await promise;
    return socket.getPeerCertificate();
  } finally {
    socket.destroy();
  }
}
