/** What a container is told by its environment, and what its manifest may not ask of its image. */
import assert from "node:assert/strict";
import { guest } from "./guests/build.ts";
import { pushTree } from "./harness/push_tree.ts";
import { type Scene, useTestbed } from "./harness/testbed.ts";
import {
  eventsOf,
  type PodRef,
  statusOf,
  waitEnded,
  waitEvent,
  waitPod,
} from "./harness/wait_pod.ts";

const scenario = useTestbed();

scenario("variables tell of the namespace's Services and of the API server", async (scene) => {
  await scene.create("services", {
    metadata: { name: "web-db" },
    spec: { ports: [{ name: "http", port: 80 }, { name: "dns", port: 53, protocol: "UDP" }] },
  });
  await scene.create("services", {
    metadata: { name: "headless" },
    spec: { clusterIP: "None", ports: [{ port: 80 }] },
  });
  const path = `/api/v1/namespaces/${scene.namespace}/services/web-db`;
  const { spec: { clusterIP } } = await scene.cluster.get<{ spec: { clusterIP: string } }>(path);
  const env = await environmentOf(scene, { name: "linked" });
  assert.equal(env.get("WEB_DB_SERVICE_HOST"), clusterIP);
  assert.equal(env.get("WEB_DB_SERVICE_PORT_DNS"), "53");
  assert.equal(env.get("WEB_DB_PORT_53_UDP"), `udp://${clusterIP}:53`);
  assert.equal(env.get("KUBERNETES_SERVICE_PORT_HTTPS"), "443");
  assert.ok(![...env.keys()].some((name) => name.startsWith("HEADLESS")));
  const unlinked = await environmentOf(scene, {
    name: "unlinked",
    spec: { enableServiceLinks: false },
  });
  assert.equal(unlinked.get("WEB_DB_SERVICE_HOST"), undefined);
  assert.equal(unlinked.get("KUBERNETES_SERVICE_HOST"), env.get("KUBERNETES_SERVICE_HOST"));
});

scenario("a container takes variables from a file that another has written", async (scene) => {
  const fileKeyRef = { volumeName: "config", path: "app.env" };
  const env = await environmentOf(scene, {
    name: "from-file",
    spec: { volumes: [{ name: "config", emptyDir: {} }] },
    initContainers: [{
      name: "writer",
      image: await scene.image("go_exerciser"),
      volumeMounts: [{ name: "config", mountPath: "/out" }],
      args: ["write(lit:ADDRESS='db.example'\n)to(file:/out/app.env)"],
    }],
    env: [
      { name: "DB", valueFrom: { fileKeyRef: { ...fileKeyRef, key: "ADDRESS" } } },
      { name: "GONE", valueFrom: { fileKeyRef: { ...fileKeyRef, key: "NO", optional: true } } },
      { name: "URL", value: "tcp://$(DB)" },
    ],
  });
  assert.equal(env.get("DB"), "db.example");
  assert.equal(env.get("URL"), "tcp://db.example");
  assert.equal(env.get("GONE"), undefined);
});

scenario("limits and requests of any container can be read, in divisors", async (scene) => {
  const of = (containerName: string, resource: string, divisor: string): unknown => ({
    resourceFieldRef: { containerName, resource, divisor },
  });
  const env = await environmentOf(scene, {
    name: "resources",
    initContainers: [{
      name: "first",
      image: await scene.image("hello"),
      resources: { requests: { cpu: "250m" }, limits: { memory: "100Mi" } },
    }],
    env: [
      { name: "FIRST_MEMORY", valueFrom: of("first", "limits.memory", "1Mi") },
      { name: "FIRST_CPU", valueFrom: of("first", "requests.cpu", "1m") },
      { name: "CORES", valueFrom: of("main", "requests.cpu", "1") },
    ],
    resources: { requests: { cpu: "10m" } },
  });
  assert.equal(env.get("FIRST_MEMORY"), "100");
  assert.equal(env.get("FIRST_CPU"), "250");
  assert.equal(env.get("CORES"), "1");
});

scenario("the working directory is made, and PWD names it", async (scene) => {
  const ref = await scene.pod({
    name: "works",
    spec: { volumes: [{ name: "v", emptyDir: {} }] },
    containers: [{
      image: await scene.image("go_exerciser"),
      workingDir: "/srv/deep",
      args: [
        "assert_exists(file:/srv/deep)",
        "read(env:PWD)to(var:p)",
        "write(var:p)to(stm:stdout)",
      ],
    }, {
      image: await scene.image("go_exerciser"),
      workingDir: "/v/deep",
      volumeMounts: [{ name: "v", mountPath: "/v" }],
      args: ["assert_exists(file:/v/deep)"],
    }],
  });
  await waitEnded(scene.cluster, ref, "Succeeded");
  assert.match(await scene.kubectl("logs", "works", "-c", "main"), /\/srv\/deep/);
});

scenario("an image that runs as root is refused where root is, and others run", async (scene) => {
  const image = async (user?: string): Promise<string> => {
    const wasm = await Deno.readFile(await guest("hello"));
    const pushed = await pushTree(scene.registry, {
      repo: `users/${(user ?? "none").replace(":", "-")}`,
      layers: [{ packing: "gzip", files: { "app.wasm": wasm } }],
      run: { Entrypoint: ["/app.wasm"], ...(user === undefined ? {} : { User: user }) },
    });
    return pushed.image;
  };
  const pod = async (name: string, image: string, more = {}): Promise<PodRef> =>
    await scene.pod({
      name,
      spec: { securityContext: { runAsNonRoot: true, ...more } },
      containers: [{ image }],
    });
  const rootless = await pod("none", await image());
  const refused: [PodRef, RegExp][] = [
    [rootless, /container has runAsNonRoot and image will run as root/],
    [await pod("www", await image("www")), /image has non-numeric user \(www\)/],
    [await pod("explicit", await image(), { runAsUser: 0 }), /breaks non-root policy/],
  ];
  for (const [ref, message] of refused) {
    const seen = await waitPod(scene.cluster, ref, {
      to: "be refused",
      wanted: ({ status }) =>
        status.containerStatuses?.[0]?.state?.waiting?.reason === "CreateContainerConfigError",
    });
    assert.match(statusOf(seen, "main").state?.waiting?.message ?? "", message);
    await waitEvent(scene.cluster, ref, { reason: "Failed", message });
  }
  const passed = [
    await pod("numbered", await image("1000:1000")),
    await pod("artifact", await scene.image("hello")),
    await pod("somebody", await image(), { runAsUser: 1000 }),
  ];
  for (const ref of passed) await waitEnded(scene.cluster, ref, "Succeeded");
});

scenario("one event names the fields that have no effect", async (scene) => {
  const ref = await scene.pod({
    name: "wishes",
    spec: { setHostnameAsFQDN: true },
    containers: [{ image: await scene.image("hello") }],
  });
  await waitEnded(scene.cluster, ref, "Succeeded");
  const { message } = await waitEvent(scene.cluster, ref, { reason: "UnsupportedField" });
  assert.match(message, /spec\.setHostnameAsFQDN/);
  const plain = await scene.pod({
    name: "plain",
    containers: [{ image: await scene.image("hello") }],
  });
  await waitEnded(scene.cluster, plain, "Succeeded");
  const reasons = (await eventsOf(scene.cluster, plain)).map(({ reason }) => reason);
  assert.ok(!reasons.includes("UnsupportedField"), reasons.join(", "));
});

/** Runs a pod that prints its environment, and answers that. */
async function environmentOf(
  scene: Scene,
  wish: {
    readonly name: string;
    readonly spec?: Readonly<Record<string, unknown>>;
    readonly initContainers?: Parameters<Scene["pod"]>[0]["initContainers"];
    readonly env?: readonly unknown[];
    readonly resources?: unknown;
  },
): Promise<Map<string, string>> {
  const { name, spec, initContainers, ...container } = wish;
  const ref = await scene.pod({
    name,
    ...(spec === undefined ? {} : { spec }),
    ...(initContainers === undefined ? {} : { initContainers }),
    containers: [{ name: "main", image: await scene.image("go_hello"), ...container }],
  });
  await waitEnded(scene.cluster, ref, "Succeeded");
  const lines = (await scene.kubectl("logs", name, "-c", "main")).split("\n");
  return new Map(
    lines.filter((line) => /^\w+=/.test(line)).map((line) => {
      const at = line.indexOf("=");
      return [line.slice(0, at), line.slice(at + 1)] as const;
    }),
  );
}
