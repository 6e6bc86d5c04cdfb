/** Pods have a network on the host for macOS and Windows, which Linux can be told to use. */
import assert from "node:assert/strict";
import { eventually } from "./harness/eventually.ts";
import type { Pod } from "./harness/objects.ts";
import { useTestbed } from "./harness/testbed.ts";
import { getPod, waitEnded, waitRunning } from "./harness/wait_pod.ts";

const scenario = useTestbed({
  args: ["--pod-network", "loopback"],
  env: { KRUSTLET_HOST: "portable" },
});

const PORT = 8080;
/** Go's modules are compiled when they are seen first, on a busy machine. */
const COMPILED_WITHIN_MS = 180_000;

scenario(
  "a server on the portable host is ready by its probe, and is asked by a pod",
  async (scene) => {
    const { cluster } = scene;
    const machine = await scene.node.node();
    assert.equal(machine?.metadata.annotations?.["krustlet.dev/sandbox"], "deno permissions");
    const image = await scene.image("gonet_web");
    const server = await scene.pod({
      name: "server",
      containers: [{
        image,
        args: ["serve", `:${PORT}`],
        readinessProbe: { httpGet: { path: "/probe", port: PORT }, periodSeconds: 1 },
      }],
      spec: { terminationGracePeriodSeconds: 0 },
    });
    const hostname = addressOf(await waitRunning(cluster, server, COMPILED_WITHIN_MS));
    await eventually("the server to be ready", async () => {
      const { status } = await getPod(cluster, server);
      return status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
    }, { withinMs: COMPILED_WITHIN_MS });
    const client = await scene.pod({
      name: "client",
      containers: [{ image, args: ["get", "3", `http://${hostname}:${PORT}/pod`] }],
    });
    await waitEnded(cluster, client, "Succeeded", COMPILED_WITHIN_MS);
    const seen = addressOf(await getPod(cluster, client));
    assert.notEqual(seen, hostname);
    assert.match(await scene.kubectl("logs", "client"), new RegExp(`^/pod for ${seen}:\\d+$`, "m"));
  },
);

scenario(
  "a server on the portable host takes nobody in at its end, and finishes",
  async (scene) => {
    const server = await scene.pod({
      name: "server",
      containers: [{ image: await scene.image("gonet_faults"), args: ["drain", `:${PORT}`] }],
      spec: { terminationGracePeriodSeconds: 120 },
    });
    const hostname = addressOf(await waitRunning(scene.cluster, server, COMPILED_WITHIN_MS));
    const said = async (text: string): Promise<void> => {
      await eventually(`the server to say "${text}"`, async () => {
        return (await scene.kubectl("logs", "server")).includes(text);
      }, { withinMs: COMPILED_WITHIN_MS });
    };
    await said("serving ");
    using slow = await Deno.connect({ hostname, port: PORT });
    await say(slow, "POST /slow HTTP/1.1\r\nhost: server\r\ncontent-length: 4\r\n\r\n");
    await said("asked");
    await scene.kubectl("delete", "pod", "server", "--wait=false");
    await eventually("nobody to be let in any more", async () => {
      const late = await Deno.connect({ hostname, port: PORT }).catch(() => undefined);
      late?.close();
      return late === undefined;
    });
    await say(slow, "well");
    const answer = await new Response(slow.readable).text();
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n[^]*\bwell for \/slow\n$/);
  },
);

function addressOf({ status }: Pod): string {
  assert.ok(status?.podIP !== undefined);
  return status.podIP;
}

async function say(connection: Deno.Conn, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let done = 0; done < bytes.length;) done += await connection.write(bytes.subarray(done));
}
