import assert from "node:assert/strict";
import type { Container, Pod, PodSpec } from "../api/types.ts";
import { KubeletError } from "../errors.ts";
import type { Provider } from "../provider.ts";
import { Ledger } from "../resources/ledger.ts";
import { deleted, podOf, World } from "./_world.ts";
import { ignoredFields, refusal } from "./admission.ts";
import type { PodFailure } from "./record.ts";

type Spec = Partial<PodSpec> & Readonly<Record<string, unknown>>;

function refusalOf(spec: Spec, validate?: Provider["validate"]): PodFailure | undefined {
  const provider = { ...(validate === undefined ? {} : { validate }) } as Provider;
  return refusal({ spec: { containers: [{ name: "app" }], ...spec } }, provider);
}

Deno.test("refusal() refuses what a guest can never have", () => {
  const cases: [Spec, string][] = [
    [{ os: { name: "windows" } }, "PodOSNotSupported"],
    [{ hostPID: true }, "HostNamespaceNotSupported"],
    [{ hostIPC: true }, "HostNamespaceNotSupported"],
    [{ shareProcessNamespace: true }, "ProcessNamespaceNotSupported"],
    [{ resourceClaims: [{ name: "gpu" }] }, "ResourceClaimNotSupported"],
    [
      { securityContext: { sysctls: [{ name: "kernel.msgmax", value: "1" }] } },
      "SysctlForbidden",
    ],
    [{ volumes: [{ name: "v", nfs: {} }] as PodSpec["volumes"] & object }, "UnsupportedVolume"],
  ];
  for (const [spec, reason] of cases) assert.equal(refusalOf(spec)?.reason, reason);
  const containers: [Partial<Container>, string][] = [
    [{ securityContext: { privileged: true } }, "PrivilegedNotSupported"],
    [{ securityContext: { capabilities: { add: ["NET_ADMIN"] } } }, "CapabilityNotSupported"],
    [{ securityContext: { capabilities: { add: ["ALL"] } } }, "CapabilityNotSupported"],
    [{ volumeDevices: [{ name: "v", devicePath: "/dev/x" }] }, "BlockVolumeNotSupported"],
    [
      { volumeMounts: [{ name: "v", mountPath: "/m", mountPropagation: "Bidirectional" }] },
      "MountPropagationNotSupported",
    ],
  ];
  for (const [container, reason] of containers) {
    for (const list of ["containers", "initContainers"]) {
      assert.equal(refusalOf({ [list]: [{ name: "first", ...container }] })?.reason, reason);
    }
    // What somebody adds to a pod that runs must not end it at the next start of the agent.
    const added = [{ name: "look", ...container }];
    assert.equal(refusalOf({ ephemeralContainers: added }), undefined);
  }
});

Deno.test("refusal() says which container and what to do", () => {
  const { message } = refusalOf({
    containers: [{ name: "app" }, { name: "proxy", securityContext: { privileged: true } }],
  }) ?? {};
  assert.equal(
    message,
    'Cannot run the pod as WebAssembly: container "proxy" is privileged; ' +
      "schedule it on a node with a container runtime",
  );
  assert.match(refusalOf({ hostPID: true })?.message ?? "", /: it asks for hostPID; /);
});

Deno.test("refusal() asks the backend too, and passes on a defect of it", () => {
  const throws = (error: Error) => (): never => {
    throw error;
  };
  const own = new KubeletError("rejected", "no", { reason: "Own" });
  assert.deepEqual(refusalOf({}, throws(own)), { reason: "Own", message: "no" });
  assert.deepEqual(refusalOf({}, throws(new KubeletError("rejected", "no"))), {
    reason: "UnsupportedPod",
    message: "no",
  });
  assert.throws(() => refusalOf({}, throws(new TypeError("a defect"))), TypeError);
  assert.equal(refusalOf({}, () => {}), undefined);
});

Deno.test("refusal() refuses a pod whose list of allowed hosts cannot be read", () => {
  const listing = (hosts: string): PodFailure | undefined => {
    const annotations = { "krustlet.dev/allowed-hosts": hosts };
    return refusal({ metadata: { annotations }, spec: { containers: [] } }, {} as Provider);
  };
  assert.equal(listing("api.example.com:443"), undefined);
  const failure = listing("https://api.example.com");
  assert.equal(failure?.reason, "AllowedHostsInvalid");
  assert.match(
    failure.message,
    /"krustlet.dev\/allowed-hosts": "https:\/\/api.example.com" is none of/,
  );
});

/** What asks for no more than a guest has, and what the API server fills in. */
const HARMLESS: Spec = {
  os: { name: "linux" },
  hostUsers: false,
  hostPID: false,
  hostNetwork: false,
  dnsPolicy: "ClusterFirst",
  schedulerName: "default-scheduler",
  serviceAccountName: "default",
  preemptionPolicy: "PreemptLowerPriority",
  priority: 0,
  enableServiceLinks: true,
  hostname: "web-0",
  subdomain: "web",
  tolerations: [{ key: "node.kubernetes.io/not-ready", operator: "Exists" }],
  securityContext: { runAsUser: 1000, fsGroup: 2000, seccompProfile: { type: "RuntimeDefault" } },
  containers: [{
    name: "app",
    stdin: false,
    tty: false,
    ports: [{ containerPort: 80, protocol: "TCP" }],
    resources: {},
    terminationMessagePath: "/dev/termination-log",
    securityContext: {
      privileged: false,
      runAsNonRoot: true,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"], add: ["CAP_NET_BIND_SERVICE"] },
    },
    volumeMounts: [{ name: "v", mountPath: "/m", mountPropagation: "HostToContainer" }],
  }],
};

Deno.test("refusal() and ignoredFields() pass what is harmless or asks for less", () => {
  assert.equal(refusalOf(HARMLESS), undefined);
  assert.equal(ignoredFields({ spec: HARMLESS as PodSpec }), undefined);
  assert.equal(ignoredFields({}), undefined);
});

Deno.test("ignoredFields() names what somebody would miss, and where it is", () => {
  const spec = {
    setHostnameAsFQDN: true,
    securityContext: { sysctls: [{ name: "net/ipv4/tcp_syncookies", value: "1" }] },
    initContainers: [{
      name: "first",
      tty: true,
      stdin: true,
      lifecycle: { stopSignal: "SIGUSR2" },
    }],
    containers: [
      { name: "app", ports: [{ containerPort: 81, hostPort: 8081 }] },
      { name: "proxy", lifecycle: { stopSignal: "SIGUSR1" } },
    ],
  };
  assert.equal(
    ignoredFields({ spec: spec as PodSpec }),
    "No effect on this node: spec.securityContext.sysctls, " +
      "spec.initContainers{first}.lifecycle.stopSignal, " +
      "spec.containers{proxy}.lifecycle.stopSignal, spec.setHostnameAsFQDN " +
      "(docs/pod-fields.md says why)",
  );
  const many = Array.from({ length: 12 }, (_, index) => ({
    name: `c${index}`,
    lifecycle: { stopSignal: "SIGUSR1" },
  }));
  const said = ignoredFields({ spec: { containers: many } }) ?? "";
  assert.match(said, /\{c9\}\.lifecycle\.stopSignal and 2 more \(/);
});

Deno.test("refusal() and ignoredFields() take any object for what it is", () => {
  const odd = { containers: "x", initContainers: [null, 7], volumes: {}, os: "linux" };
  assert.doesNotThrow(() => ignoredFields({ spec: odd as unknown as PodSpec }));
});

Deno.test("PodManager tells once of fields that have no effect", async () => {
  await using world = await World.open();
  const spec = { setHostnameAsFQDN: true, restartPolicy: "Always" };
  // What the API server and the scheduler say of a pod that no node has seen.
  const pod = { ...podOf("spin", { spec }), status: { phase: "Pending" as const, conditions: [] } };
  const first = world.agent();
  first.apply(pod);
  await world.phase("web", "Running");
  await first.shutdown(0);
  const second = world.agent();
  second.apply(pod);
  await world.eventually("it runs again", () => world.runs.length === 2);
  await second.shutdown(0);
  const told = world.events.filter(({ reason }) => reason === "UnsupportedField");
  assert.deepEqual(told.map(({ type, message }) => [type, message]), [[
    "Warning",
    "No effect on this node: spec.setHostnameAsFQDN (docs/pod-fields.md says why)",
  ]]);
});

Deno.test("PodManager.evict() fails a pod that runs, and says why", async () => {
  await using world = await World.open();
  const agent = world.agent();
  agent.apply(podOf("spin", { spec: { restartPolicy: "Always" } }));
  await world.eventually("it runs", () => world.container("web")?.started === true);
  const why = { message: "The node was low on resource: memory. ", low: true };
  assert.equal(await agent.evict("uid-web", why), true);
  await world.phase("web", "Failed");
  const { reason, message, conditions } = world.status("web");
  assert.deepEqual([reason, message], ["Evicted", "The node was low on resource: memory. "]);
  assert.equal(world.container("web")?.state.terminated?.exitCode, 137);
  const target = conditions?.find(({ type }) => type === "DisruptionTarget");
  assert.deepEqual([target?.status, target?.reason], ["True", "TerminationByKubelet"]);
  assert.equal(world.runs.length, 1, "it is not started again");
  assert.equal(world.events.filter((event) => event.reason === "Evicted").length, 1);
  assert.equal(await agent.evict("uid-web", { message: "again", low: false }), false);
  assert.equal(world.events.filter((event) => event.reason === "Evicted").length, 1);
  await agent.shutdown(0);
});

Deno.test("PodManager.evict() gives a pod its own grace period, as far as it may have it", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const why = { message: "The node was low on resource: memory. ", low: true };
  const isPatient = async (name: string, ownSeconds: number, graceMsMax: number) => {
    const spec = { terminationGracePeriodSeconds: ownSeconds };
    agent.apply(podOf("spin", { name, spec }));
    await world.eventually("it runs", () => world.container(name)?.started === true);
    const gently = agent.evict(`uid-${name}`, { ...why, graceMsMax });
    // True if there is a longer time to be shortened.
    const hurried = await agent.evict(`uid-${name}`, why);
    assert.equal(await gently, true);
    return hurried;
  };
  assert.equal(await isPatient("patient", 3600, 3_600_000), true);
  assert.equal(await isPatient("short", 1, 3_600_000), false, "its own is the shorter one");
  assert.equal(await isPatient("bounded", 3600, 500), false);
  await agent.shutdown(0);
});

Deno.test("PodManager.evict() shortens the grace period of a pod that is ending, once", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const pod = podOf("spin");
  agent.apply(pod);
  await world.eventually("it runs", () => world.container("web")?.started === true);
  agent.apply(deleted(pod, 3600));
  await world.eventually("it ends", () => world.events.some(({ reason }) => reason === "Killing"));
  const why = { message: "The node was low on resource: memory. ", low: true };
  const [first, second] = await Promise.all([
    agent.evict("uid-web", why),
    agent.evict("uid-web", why),
  ]);
  assert.deepEqual([first, second], [true, false]);
  await world.eventually("it is gone", () => world.released.includes("web"));
  assert.equal(world.events.filter((event) => event.reason === "Evicted").length, 1);
  agent.remove(pod);
  await agent.shutdown(0);
});

Deno.test("PodManager.evict() does nothing for a pod that waits to be rejected", async () => {
  await using world = await World.open();
  world.ledger = new Ledger({ pods: "0" });
  const agent = world.agent();
  const ownerReferences = [{
    apiVersion: "v1",
    kind: "Job",
    name: "x",
    uid: "x",
    controller: true,
  }];
  const owned = (name: string): Pod => {
    const pod = podOf("spin", { name });
    return { ...pod, metadata: { ...pod.metadata, ownerReferences } };
  };
  agent.apply(owned("first"));
  await world.phase("first", "Failed");
  agent.apply(owned("second"));
  await world.eventually(
    "it waits to be failed",
    () => world.container("second")?.state.waiting?.reason === "OutOfpods",
  );
  const why = { message: "The node was low on resource: memory. ", low: true };
  for (const uid of ["uid-first", "uid-second", "uid-nobody"]) {
    assert.equal(await agent.evict(uid, why), false, uid);
  }
  assert.equal(world.events.filter((event) => event.reason === "Evicted").length, 0);
  await agent.shutdown(0);
});
