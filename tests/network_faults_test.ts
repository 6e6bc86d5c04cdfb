/** Endpoints, Services, name servers and agents that go away under programs which use them. */
import assert from "node:assert/strict";
import { leadService, LineServer, makeService } from "./harness/endpoints.ts";
import { eventually } from "./harness/eventually.ts";
import { NameServer } from "./harness/name_server.ts";
import { freePort } from "./harness/ports.ts";
import { SilentServer } from "./harness/silent_server.ts";
import { type Scene, useTestbed } from "./harness/testbed.ts";
import {
  getPod,
  type PodRef,
  statusOf,
  waitEnded,
  waitEvent,
  waitGone,
  waitRunning,
} from "./harness/wait_pod.ts";

const scenario = useTestbed({ args: ["--pod-network", "loopback"] });

const PORT = 8080;
/** Go's modules are compiled when they are seen first, on a busy machine. */
const SEEN_WITHIN_MS = 180_000;
const REFUSED = /^cannot: .*connection refused$/i;
const TORN = /^cannot: .*(EOF|connection reset)/i;
const CHANGES = 20;
/** Long enough that nobody takes it for what a program needs to end by itself. */
const DRAINED_WITHIN_SECONDS = 120;

scenario(
  "an endpoint that dies tears its connections, and the next one is found",
  async (scene) => {
    const first = new LineServer("first");
    using rest = new DisposableStack();
    rest.use(first);
    await makeService(scene, "web", { servicePort: 80, port: first.port });
    const ref = await watcher(scene, ["talk", "web:80"]);
    await sees(scene, ref, [/^heard: first$/]);
    await eventually("it to stay on one connection", () => Promise.resolve(first.open === 1));
    first.die();
    // The slice names it still: that nobody listens there is what the guest is told.
    await sees(scene, ref, [/^heard: first$/, TORN, REFUSED]);
    using second = new LineServer("second");
    await leadService(scene, "web", { port: second.port });
    await sees(scene, ref, [/^heard: first$/, TORN, REFUSED, /^heard: second$/]);
    await isUntouched(scene, ref);
  },
);

scenario("a Service that changes while it is used answers every time", async (scene) => {
  using one = new LineServer("one");
  using other = new LineServer("other");
  await makeService(scene, "web", { servicePort: 80, port: one.port });
  const ref = await watcher(scene, ["visit", "web:80"]);
  const seen = [/^heard: one$/];
  await sees(scene, ref, seen);
  for (let change = 0; change < CHANGES; change++) {
    const next = change % 2 === 0 ? other : one;
    await leadService(scene, "web", { port: next.port });
    seen.push(new RegExp(`^heard: ${next.name}$`));
    await sees(scene, ref, seen);
  }
  await leadService(scene, "web", { port: undefined });
  seen.push(REFUSED);
  await sees(scene, ref, seen);
  await leadService(scene, "web", { port: one.port });
  await sees(scene, ref, [...seen, /^heard: one$/]);
  await isUntouched(scene, ref);
});

scenario("a Service that changes during a connect leads the next one elsewhere", async (scene) => {
  using silent = await SilentServer.start();
  using well = new LineServer("well");
  await makeService(scene, "web", { servicePort: 80, port: silent.port });
  const ref = await watcher(scene, ["visit", "web:80"]);
  // It waits for as long as it likes, tries again at once, and waits once more when the change comes.
  const seen = [/^cannot: dial .*i\/o timeout$/];
  await sees(scene, ref, seen);
  await leadService(scene, "web", { port: well.port });
  await sees(scene, ref, [...seen, /^heard: well$/]);
  await isUntouched(scene, ref);
});

scenario(
  "a name server that is away is no name that is not there, and comes back",
  async (scene) => {
    const server = await NameServer.start("192.0.2.7");
    const { port } = server;
    const address = await makeService(scene, "names", { servicePort: 53, port, protocol: "UDP" });
    const spec = {
      dnsPolicy: "None",
      dnsConfig: { nameservers: [address], options: [{ name: "timeout", value: "1" }] },
    };
    const ref = await watcher(scene, ["lookup", "far.example.test"], { spec });
    // A pod that asks the cluster needs no server for its names.
    const inside = `names.${scene.namespace}.svc.cluster.local`;
    const own = await watcher(scene, ["lookup", inside], { name: "own" });
    try {
      await sees(scene, ref, [/^found: 192\.0\.2\.7$/]);
      await sees(scene, own, [new RegExp(`^found: ${RegExp.escape(address)}$`)]);
    } finally {
      await server[Symbol.asyncDispose]();
    }
    const away = /^cannot: nobody tells$/;
    await sees(scene, ref, [/^found: /, away]);
    await using _again = await NameServer.start("192.0.2.8", port);
    await sees(scene, ref, [/^found: /, away, /^found: 192\.0\.2\.8$/]);
    await sees(scene, own, [/^found: /]);
    await isUntouched(scene, ref);
  },
);

scenario(
  "an agent that is killed takes all connections with it, and pods serve anew",
  async (scene) => {
    const image = await scene.image("gonet_faults");
    const hostPort = freePort();
    const server = await scene.pod({
      name: "server",
      restartPolicy: "Always",
      containers: [{
        image: await scene.image("gonet_web"),
        args: ["echo", "tcp", `:${PORT}`],
        ports: [{ containerPort: PORT, hostPort }],
        readinessProbe: { tcpSocket: { port: PORT }, periodSeconds: 1 },
      }],
      spec: { terminationGracePeriodSeconds: 0 },
    });
    const address = (await waitRunning(scene.cluster, server, SEEN_WITHIN_MS)).status.podIP!;
    const talks = await scene.pod({
      name: "talks",
      restartPolicy: "Always",
      containers: [{ image, args: ["talk", `${address}:${PORT}`] }],
      spec: { terminationGracePeriodSeconds: 0 },
    });
    await sees(scene, talks, [/^heard: well$/]);
    const open = [
      await Deno.connect({ hostname: address, port: PORT }),
      await Deno.connect({ hostname: "127.0.0.1", port: hostPort }),
    ];
    for (const connection of open) assert.equal(await said(connection, "before"), "before");

    await scene.node.end("SIGKILL");
    for (const connection of open) {
      assert.equal(await said(connection, "behind").catch(() => undefined), undefined);
      connection.close();
    }
    await eventually("nobody to listen", async () => {
      return !await listens(address, PORT) && !await listens("127.0.0.1", hostPort);
    });
    await scene.node.restart();

    await eventually("all to run again", async () => {
      const pods = await Promise.all([server, talks].map((ref) => getPod(scene.cluster, ref)));
      return pods.every((pod) => statusOf(pod, "main").restartCount >= 1);
    }, { withinMs: SEEN_WITHIN_MS });
    const again = await waitRunning(scene.cluster, server, SEEN_WITHIN_MS);
    assert.equal(again.status.podIP, address);
    for (const to of [{ hostname: address, port: PORT }, { port: hostPort }]) {
      using connection = await Deno.connect(to);
      assert.equal(await said(connection, "again"), "again");
    }
    await eventually("its client to be heard again", async () => {
      return (await linesOf(scene, talks)).at(-1) === "heard: well";
    }, { withinMs: SEEN_WITHIN_MS });
  },
);

scenario("a pod that is deleted takes nobody in, and ends what it has begun", async (scene) => {
  const ref = await scene.pod({
    name: "server",
    containers: [{ image: await scene.image("gonet_faults"), args: ["drain", `:${PORT}`] }],
    spec: { terminationGracePeriodSeconds: DRAINED_WITHIN_SECONDS },
  });
  const hostname = (await waitRunning(scene.cluster, ref, SEEN_WITHIN_MS)).status.podIP!;
  await sees(scene, ref, [/^serving /]);
  using slow = await Deno.connect({ hostname, port: PORT });
  await say(slow, "POST /slow HTTP/1.1\r\nhost: server\r\ncontent-length: 4\r\n\r\n");
  await sees(scene, ref, [/^serving /, /^asked$/]);
  await scene.kubectl("delete", "pod", "server", "--wait=false");
  await eventually("it to take nobody in", async () => !await listens(hostname, PORT));
  await sees(scene, ref, [/^serving /, /^asked$/, /^draining$/]);
  const beganMs = performance.now();
  await say(slow, "well");
  assert.match(
    await new Response(slow.readable).text(),
    /^HTTP\/1\.1 200 OK\r\n[^]*\bwell for \/slow\n$/,
  );
  await waitGone(scene.cluster, ref, DRAINED_WITHIN_SECONDS * 1_000);
  const tookMs = performance.now() - beganMs;
  assert.ok(tookMs < DRAINED_WITHIN_SECONDS * 500, `it ended by itself, not after ${tookMs} ms`);
});

scenario(
  "an address of 127.0.0.0/8 is no endpoint: who asks the Service is refused",
  async (scene) => {
    const ref = await scene.pod({
      name: "server",
      labels: { app: "server" },
      containers: [{ image: await scene.image("accept_only"), ports: [{ containerPort: PORT }] }],
      spec: { terminationGracePeriodSeconds: 0 },
    });
    await scene.create("services", {
      metadata: { name: "web" },
      spec: { selector: { app: "server" }, ports: [{ port: PORT }] },
    });
    await waitRunning(scene.cluster, ref, SEEN_WITHIN_MS);
    const client = await scene.pod({
      name: "client",
      containers: [{
        image: await scene.image("gonet_web"),
        args: ["say", "tcp", `web:${PORT}`, "well"],
      }],
    });
    await waitEnded(scene.cluster, client, "Failed", SEEN_WITHIN_MS);
    assert.match(await scene.kubectl("logs", "client"), /connection refused/i);
    await waitEvent(scene.cluster, { ...ref, name: "web" }, {
      reason: "FailedToUpdateEndpointSlices",
      message: /may not be in the loopback range/,
    });
  },
);

/** A pod that does one thing forever, and says what comes of it. */
async function watcher(
  scene: Scene,
  args: readonly string[],
  { name = "watcher", spec }: { readonly name?: string; readonly spec?: Record<string, unknown> } =
    {},
): Promise<PodRef> {
  return await scene.pod({
    name,
    containers: [{ image: await scene.image("gonet_faults"), args }],
    spec: { terminationGracePeriodSeconds: 0, ...spec },
  });
}

/** Waits until it has said as many lines, which must be these, and nothing else. */
async function sees(scene: Scene, ref: PodRef, wanted: readonly RegExp[]): Promise<void> {
  const lines = await eventually(`pod ${ref.name} to say ${wanted.at(-1)}`, async () => {
    const lines = await linesOf(scene, ref);
    if (lines.length >= wanted.length) return lines;
    throw new Error(`it says ${JSON.stringify(lines)}`);
  }, { withinMs: SEEN_WITHIN_MS });
  assert.equal(lines.length, wanted.length, JSON.stringify(lines));
  for (const [index, pattern] of wanted.entries()) assert.match(lines[index]!, pattern);
}

async function linesOf(scene: Scene, { name }: PodRef): Promise<string[]> {
  return (await scene.kubectl("logs", name)).split("\n").filter((line) => line !== "");
}

/** It runs as it has since it was started. */
async function isUntouched(scene: Scene, ref: PodRef): Promise<void> {
  const { status } = await waitRunning(scene.cluster, ref);
  assert.equal(status.containerStatuses?.[0]?.restartCount, 0);
}

async function say(connection: Deno.Conn, text: string): Promise<void> {
  await connection.write(new TextEncoder().encode(text));
}

/** What comes back for this text. */
async function said(connection: Deno.Conn, text: string): Promise<string | undefined> {
  await say(connection, text);
  const bytes = new Uint8Array(1_024);
  const count = await connection.read(bytes);
  return count === null ? undefined : new TextDecoder().decode(bytes.subarray(0, count));
}

async function listens(hostname: string, port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname, port })).close();
    return true;
  } catch {
    return false;
  }
}
