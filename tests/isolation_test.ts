/** What keeps containers apart and the machine whole: classes, walls, threads, hostile guests. */
import assert from "node:assert/strict";
import { guest } from "./guests/build.ts";
import { krustletCommand, runKrustlet } from "./harness/command.ts";
import type { KubeObject } from "./harness/objects.ts";
import { type Scene, useTestbed } from "./harness/testbed.ts";
import { statusOf, waitEnded, waitEvent, waitGone, waitRunning } from "./harness/wait_pod.ts";

/** On Linux the node must have the kernel's walls, unless the machine is known to lack them. */
const LANDLOCK = Deno.build.os === "linux" &&
  !(Deno.env.get("KRUSTLET_TESTS_WITHOUT") ?? "").split(",").includes("landlock");
const LEVEL = LANDLOCK ? "landlock" : "permissions";
const scenario = useTestbed({ args: ["--require-sandbox", LEVEL] });

/** A RuntimeClass of this test's own: they belong to the whole cluster. */
async function runtimeClass(
  { cluster, namespace }: Scene,
  handler: string,
): Promise<AsyncDisposable & { readonly name: string }> {
  const name = `${handler}-${namespace}`;
  const path = "/apis/node.k8s.io/v1/runtimeclasses";
  await cluster.create<KubeObject>(path, {
    apiVersion: "node.k8s.io/v1",
    kind: "RuntimeClass",
    metadata: { name },
    handler,
  });
  return { name, [Symbol.asyncDispose]: () => cluster.delete(`${path}/${name}`) };
}

scenario("a node tells what holds its guests, in its log and in its annotation", async (scene) => {
  const node = await scene.node.node();
  const said = node?.metadata.annotations?.["krustlet.dev/sandbox"] ?? "";
  assert.match(said, LANDLOCK ? /^landlock \(ABI \d+: files.*\), seccomp, openat2/ : /permissions/);
  assert.ok((await scene.node.log()).includes(`Guests are held by: ${said}`));
});

const sharedScenario = Deno.build.os === "linux" ? scenario : () => {};
sharedScenario(
  "pods of one image share a process by their RuntimeClass, and end one by one",
  async (scene) => {
    const { cluster } = scene;
    await using shared = await runtimeClass(scene, "krustlet-worker");
    const image = await scene.image("spin");
    const [first, second] = await Promise.all(["first", "second"].map((name) =>
      scene.pod({
        name,
        containers: [{ image }],
        spec: { runtimeClassName: shared.name, terminationGracePeriodSeconds: 0 },
      })
    ));
    await Promise.all([waitRunning(cluster, first!), waitRunning(cluster, second!)]);
    await scene.kubectl("delete", "pod", "first", "--wait=false");
    await waitGone(cluster, first!);
    assert.equal(await scene.kubectl("logs", "second"), "spinning\n");
    const left = await waitRunning(cluster, second!);
    assert.equal(statusOf(left, "main").restartCount, 0);
  },
);

scenario(
  "a RuntimeClass of other nodes is refused by an event that names what there is",
  async (scene) => {
    await using strange = await runtimeClass(scene, "gvisor");
    const ref = await scene.pod({
      name: "strange",
      containers: [{ image: await scene.image("hello") }],
      spec: { runtimeClassName: strange.name },
    });
    const { message } = await waitEvent(scene.cluster, ref, { reason: "FailedCreatePodSandBox" });
    assert.match(message, /"gvisor"/);
    assert.match(message, /krustlet/);
  },
);

scenario("a container with threads runs, whatever its class", async (scene) => {
  await using shared = await runtimeClass(scene, "krustlet-worker");
  const image = await scene.image("threads");
  const classes = Deno.build.os === "linux" ? [undefined, shared.name] : [undefined];
  for (const [index, runtimeClassName] of classes.entries()) {
    const name = `threads-${index}`;
    const spec = runtimeClassName === undefined ? {} : { runtimeClassName };
    const ref = await scene.pod({ name, containers: [{ image }], spec });
    const pod = await waitEnded(scene.cluster, ref, "Failed", 60_000);
    assert.equal(statusOf(pod, "main").state?.terminated?.exitCode, 7);
    assert.equal(await scene.kubectl("logs", name), "two threads\n");
  }
});

scenario("hostile guests harm themselves; their neighbour and the node live on", async (scene) => {
  const { cluster } = scene;
  const hostile = ["thread_storm", "open_forever", "log_flood", "stack_overflow", "eat_memory"];
  const neighbour = await scene.pod({
    name: "neighbour",
    containers: [{ image: await scene.image("sleep") }],
    restartPolicy: "Always",
  });
  await waitRunning(cluster, neighbour);
  const images = await Promise.all(hostile.map((name) => scene.image(name)));
  const refs = await Promise.all(images.map((image, index) =>
    scene.pod({
      name: hostile[index]!.replaceAll("_", "-"),
      containers: [{ image, resources: { limits: { memory: "64Mi" } } }],
      spec: { terminationGracePeriodSeconds: 0 },
    })
  ));
  const [storm, opener, flood, deep, hungry] = refs;
  await waitRunning(cluster, storm!, 60_000);
  const endings = await Promise.all([
    waitEnded(cluster, opener!, "Failed", 90_000),
    waitEnded(cluster, flood!, "Succeeded", 90_000),
    waitEnded(cluster, deep!, "Failed", 90_000),
    waitEnded(cluster, hungry!, "Failed", 90_000),
  ]);
  const terminated = endings.map((pod) => statusOf(pod, "main").state?.terminated);
  assert.equal(terminated[0]?.exitCode, 33, "errno mfile: its table is full, and it goes on");
  assert.equal(terminated[2]?.exitCode, 134);
  assert.equal(terminated[3]?.reason, "OOMKilled");
  await scene.kubectl("delete", "pod", "thread-storm", "--wait=false");
  await waitGone(cluster, storm!);
  const pod = await waitRunning(cluster, neighbour);
  assert.equal(statusOf(pod, "main").restartCount, 0);
  const node = await scene.node.waitReady();
  assert.ok(
    node.status.conditions?.every(({ type, status }) =>
      status === (type === "Ready" ? "True" : "False")
    ),
  );
});

scenario("krustlet run keeps --require-sandbox too, and refuses what is no level", async () => {
  const hello = await guest("hello");
  const kept = await runKrustlet(["run", "--require-sandbox", LEVEL, hello]);
  assert.deepEqual([kept.code, kept.stdout], [0, "Hello, world!\n"]);
  const wrong = await runKrustlet(["run", "--require-sandbox", "chroot", hello]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /chroot.*landlock.*permissions/s);
});

if (LANDLOCK && krustletCommand().includes("-A")) {
  scenario("a machine that lacks what is required is told so, and no guest starts", async () => {
    // Without leave to open the C library there is no way to the kernel's walls.
    const [program, ...args] = krustletCommand();
    const { code, stderr, stdout } = await new Deno.Command(program, {
      args: [
        ...args.flatMap((arg) => arg === "-A" ? ["-A", "--deny-ffi"] : [arg]),
        ...["run", "--require-sandbox", "landlock", await guest("hello")],
      ],
      env: { NO_COLOR: "1" },
    }).output();
    const decoder = new TextDecoder();
    assert.deepEqual([code, decoder.decode(stdout)], [2, ""]);
    assert.match(decoder.decode(stderr), /Cannot give the sandbox .*"landlock"/);
  });
}
