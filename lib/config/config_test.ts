import assert from "node:assert/strict";
import { join } from "node:path";
import { isKubeletError } from "../errors.ts";
import { asksFor, type ConfigSources, type KrustletConfig, parseConfig } from "./config.ts";
import { MACHINE, type World } from "./world.ts";

const HOME = join("/", "home", "ada");
const DATA = join(HOME, ".krustlet");
const DEFAULT_FILE = join(DATA, "config", "config.json");

/** A machine with these files, named EDGE-1, at 10.0.0.9. */
function worldWith(files: Record<string, string> = {}, changes: Partial<World> = {}): World {
  return {
    pathSeparator: ":",
    readFile: (path) => files[path],
    exists: (path) => Object.hasOwn(files, path),
    hostname: () => "EDGE-1",
    resolve: () => Promise.resolve(["10.0.0.9"]),
    interfaceAddresses: () => ["127.0.0.1"],
    ...changes,
  };
}

function parse(sources: Partial<ConfigSources> = {}): Promise<KrustletConfig> {
  return parseConfig({ args: [], env: { HOME }, world: worldWith(), ...sources });
}

Deno.test("parseConfig() has Krustlet's defaults", async () => {
  const { shown, ...config } = await parse();
  assert.equal(shown.flags["port"], "3000");
  assert.deepEqual(config, {
    nodeName: "edge-1",
    hostname: "edge-1",
    nodeIp: "10.0.0.9",
    nodeLabels: {},
    registerWithTaints: undefined,
    maxPods: 110,
    podNetwork: "auto",
    podCidrs: [],
    clusterCidrs: [],
    systemReserved: {},
    kubeReserved: { cpu: "50m", memory: "128Mi" },
    eviction: {
      thresholds: {
        "memory.available": { units: 100 * 1024 * 1024 },
        "nodefs.available": { share: 0.1 },
        "nodefs.inodesFree": { share: 0.05 },
        "imagefs.available": { share: 0.15 },
        "imagefs.inodesFree": { share: 0.05 },
        "pid.available": { share: 0.05 },
      },
      soft: { thresholds: {}, graceMs: {} },
      podGraceMsMax: 0,
      minimumReclaim: {},
      transitionMs: 300_000,
    },
    containerLogs: { bytesMax: 10 * 1024 * 1024, filesMax: 5 },
    nodeStatusUpdateFrequencyMs: 10_000,
    kubeconfig: join(DATA, "config", "kubeconfig"),
    bootstrapFile: "/etc/kubernetes/bootstrap-kubelet.conf",
    listenerAddress: "0.0.0.0",
    listenerPort: 3000,
    healthzPort: 10_248,
    healthzBindAddress: "127.0.0.1",
    enableSystemLogHandler: false,
    certFile: join(DATA, "config", "krustlet.crt"),
    privateKeyFile: join(DATA, "config", "krustlet.key"),
    clientCaFile: undefined,
    certificates: { rotateClient: true, rotateServing: true, durationMs: undefined },
    dns: { clusterDomain: "cluster.local", clusterDns: [], resolvConf: "/etc/resolv.conf" },
    insecureRegistries: [],
    registryMirrors: {},
    registryCas: {},
    registryClientCerts: {},
    images: {
      dockerConfigDir: undefined,
      home: HOME,
      providers: undefined,
      policyFile: undefined,
      verification: { policy: "NeverVerifyPreloadedImages", allowlist: [] },
      pulls: { parallelMax: 1, perSecond: 5, burst: 10 },
      collection: { highPercent: 85, lowPercent: 80, minAgeMs: 120_000, maxAgeMs: 0 },
      statusMax: 50,
    },
    allowLocalModules: false,
    requireSandbox: undefined,
    dataDir: DATA,
    pluginsDir: join(DATA, "plugins"),
    devicePluginsDir: join(DATA, "device_plugins"),
    podManifestPath: undefined,
    shutdownGracePeriodMs: 30_000,
    shutdownGracePeriodCriticalPodsMs: undefined,
    shutdownEndsPods: false,
    logLevel: "info",
    logFormat: "pretty",
  });
});

Deno.test("parseConfig() reads every flag", async () => {
  const args = [
    ..."-a 127.0.0.1 -p 3001 --max-pods 10 --cert-file /c.crt --private-key-file /c.key".split(" "),
    ..."-n 10.1.1.1 --node-labels a=b,c --hostname Host --node-name Node --data-dir /d".split(" "),
    ..."--bootstrap-file /b --plugins-dir /p --device-plugins-dir /dp".split(" "),
    ..."--x-allow-local-modules true --insecure-registries a:5000,b".split(" "),
    ..."--register-with-taints k=v:NoExecute --node-status-update-frequency 5s".split(" "),
    ..."--pod-network anyip --pod-cidr 10.9.0.0/24 --pod-cidr fd00::/64".split(" "),
    ..."--cluster-cidr 10.8.0.0/13,fd00::/48".split(" "),
    ..."--client-ca-file /ca --kubeconfig /k --log-level debug --log-format json".split(" "),
    ..."--cluster-domain K8s.example --cluster-dns 10.96.0.10 --resolv-conf /resolv".split(" "),
    ..."--rotate-certificates false --rotate-server-certificates=false".split(" "),
    ..."--certificate-duration 24h --pod-manifest-path /manifests --shutdown-grace-period-critical-pods 10s"
      .split(" "),
    ..."--shutdown-grace-period 1m --require-sandbox permissions".split(" "),
    ..."--registry-mirror docker.io=https://m.example/hub/ --registry-ca a:5000=ca.pem".split(" "),
    ..."--docker-config-dir /docker --image-credential-provider-config /providers.yaml".split(" "),
    ..."--image-credential-provider-bin-dir /bin --image-policy /policy.yaml".split(" "),
    "--image-pull-credentials-verification-policy=NeverVerifyAllowlistedImages",
    ..."--preloaded-images-verification-allowlist a/*,b --node-status-max-images -1".split(" "),
    ..."--max-parallel-image-pulls 3 --registry-qps 0 --registry-burst 2".split(" "),
    ..."--image-gc-high-threshold 70 --image-gc-low-threshold 60".split(" "),
    ..."--minimum-image-ttl-duration 1s --image-maximum-gc-age 1h".split(" "),
    ..."--system-reserved cpu=1 --kube-reserved memory=1Gi".split(" "),
    ..."--eviction-hard memory.available<5% --eviction-minimum-reclaim nodefs.available=1Ki".split(
      " ",
    ),
    ..."--eviction-pressure-transition-period 1m --enable-system-log-handler".split(" "),
    ..."--healthz-port 0 --healthz-bind-address ::1".split(" "),
    ..."--container-log-max-size 1Mi --container-log-max-files 3".split(" "),
    ..."--eviction-soft memory.available<1Gi,pid.available<5".split(" "),
    ..."--eviction-soft-grace-period memory.available=1m30s,pid.available=5s".split(" "),
    ..."--eviction-max-pod-grace-period 20".split(" "),
    ..."--registry-mirror index.docker.io=http://n:5000 --registry-client-cert b=me.pem".split(" "),
  ];
  const { shown, ...config } = await parse({ args });
  assert.equal(shown.config["maxPods"], 10);
  assert.deepEqual(config, {
    nodeName: "node",
    hostname: "host",
    nodeIp: "10.1.1.1",
    nodeLabels: { a: "b", c: "" },
    registerWithTaints: [{ key: "k", value: "v", effect: "NoExecute" }],
    maxPods: 10,
    podNetwork: "anyip",
    podCidrs: ["10.9.0.0/24", "fd00::/64"],
    clusterCidrs: ["10.8.0.0/13", "fd00::/48"],
    systemReserved: { cpu: "1" },
    kubeReserved: { memory: "1Gi" },
    eviction: {
      thresholds: { "memory.available": { share: 0.05 } },
      soft: {
        thresholds: { "memory.available": { units: 2 ** 30 }, "pid.available": { units: 5 } },
        graceMs: { "memory.available": 90_000, "pid.available": 5_000 },
      },
      podGraceMsMax: 20_000,
      minimumReclaim: { "nodefs.available": { units: 1024 } },
      transitionMs: 60_000,
    },
    nodeStatusUpdateFrequencyMs: 5_000,
    kubeconfig: "/k",
    bootstrapFile: "/b",
    listenerAddress: "127.0.0.1",
    listenerPort: 3001,
    healthzPort: 0,
    healthzBindAddress: "::1",
    enableSystemLogHandler: true,
    certFile: "/c.crt",
    privateKeyFile: "/c.key",
    clientCaFile: "/ca",
    certificates: { rotateClient: false, rotateServing: false, durationMs: 86_400_000 },
    dns: { clusterDomain: "k8s.example", clusterDns: ["10.96.0.10"], resolvConf: "/resolv" },
    insecureRegistries: ["a:5000", "b"],
    registryMirrors: { "docker.io": ["https://m.example/hub", "http://n:5000"] },
    registryCas: { "a:5000": ["ca.pem"] },
    registryClientCerts: { b: ["me.pem"] },
    images: {
      dockerConfigDir: "/docker",
      home: HOME,
      providers: { config: "/providers.yaml", binDir: "/bin" },
      policyFile: "/policy.yaml",
      verification: { policy: "NeverVerifyAllowlistedImages", allowlist: ["a/*", "b"] },
      pulls: { parallelMax: 3, perSecond: 0, burst: 2 },
      collection: { highPercent: 70, lowPercent: 60, minAgeMs: 1_000, maxAgeMs: 3_600_000 },
      statusMax: -1,
    },
    allowLocalModules: true,
    requireSandbox: "permissions",
    dataDir: "/d",
    pluginsDir: "/p",
    devicePluginsDir: "/dp",
    podManifestPath: "/manifests",
    containerLogs: { bytesMax: 1_048_576, filesMax: 3 },
    shutdownGracePeriodMs: 60_000,
    shutdownGracePeriodCriticalPodsMs: 10_000,
    shutdownEndsPods: true,
    logLevel: "debug",
    logFormat: "json",
  });
});

Deno.test("parseConfig() reads Krustlet's variables and its config file", async () => {
  const json = JSON.stringify({
    listenerAddress: "::",
    listenerPort: 2345,
    nodeLabels: { label1: "val1" },
    bootstrapFile: "/from/file",
    insecureRegistries: ["local:5000"],
    nodeIP: "173.183.193.2",
    maxPods: 400,
  });
  const config = await parse({
    env: { HOME, KRUSTLET_PORT: "9999", NODE_LABELS: "x=y", MAX_PODS: "7" },
    world: worldWith({ [DEFAULT_FILE]: json }),
  });
  assert.equal(config.listenerAddress, "::");
  assert.equal(config.listenerPort, 9999);
  assert.deepEqual(config.nodeLabels, { x: "y" });
  assert.equal(config.bootstrapFile, "/from/file");
  assert.deepEqual(config.insecureRegistries, ["local:5000"]);
  assert.equal(config.nodeIp, "173.183.193.2");
  assert.equal(config.maxPods, 7);
});

Deno.test("parseConfig() refuses a soft threshold without its time", async () => {
  const args = ["--eviction-soft", "memory.available<1Gi,nodefs.available<5%"];
  const [wrong, right] = ["nodefs.available=1m", "memory.available=1m,nodefs.available=0"];
  await assert.rejects(parse({ args: [...args, "--eviction-soft-grace-period", wrong] }), {
    code: "invalid",
    message: /^Cannot use --eviction-soft for "memory.available": .*add memory.available=90s$/,
  });
  await parse({ args: [...args, "--eviction-soft-grace-period", right] });
});

Deno.test("parseConfig() refuses a password in an address, and does not show it", async () => {
  const mirror = "docker.io=https://robot:secret@m.example/hub";
  const given = [
    { args: ["--registry-mirror", mirror] },
    { args: [], env: { KRUSTLET_REGISTRY_MIRRORS: mirror } },
  ];
  for (const sources of given) {
    await assert.rejects(async () => await parse(sources), (error) => {
      assert.ok(isKubeletError(error, "invalid"), String(error));
      assert.match(error.message, /mirror "m.example" holds a user, .* into Docker's config\.json/);
      assert.ok(!error.message.includes("secret"), error.message);
      return true;
    });
  }
});

Deno.test("parseConfig() lets a flag cure a bad value of the file", async () => {
  const world = worldWith({ [DEFAULT_FILE]: '{"maxPods": "many"}' });
  assert.equal((await parse({ args: ["--max-pods=3"], world })).maxPods, 3);
  await assert.rejects(parse({ world }), {
    message: `Cannot use key "maxPods" in ${DEFAULT_FILE} "many": it is not a whole number; ` +
      "allowed is a whole number from 1 to 65535",
  });
});

Deno.test("parseConfig() needs the config file that is named, not the default one", async () => {
  for (const args of [["--config", "/x.json"], ["--config=/x.json"]]) {
    await assert.rejects(parse({ args }), { message: /"\/x\.json": there is no such file/ });
    const world = worldWith({ "/x.json": '{"listenerPort": 1}' });
    assert.equal((await parse({ args, world })).listenerPort, 1);
  }
  const env = { HOME, KRUSTLET_CONFIG: "/y.json" };
  await assert.rejects(parse({ env }), { message: /"\/y\.json": there is no such file/ });
});

Deno.test("parseConfig() takes an empty list of taints for none", async () => {
  const { registerWithTaints } = await parse({ args: ["--register-with-taints="] });
  assert.deepEqual(registerWithTaints, []);
});

Deno.test("parseConfig() takes a personal kubeconfig only where no node's own is to be had", async () => {
  const own = join(DATA, "config", "kubeconfig");
  const personal = join(HOME, ".kube", "config");
  const bootstrap = join(DATA, "config", "bootstrap.conf");
  const cases: [string[], string][] = [
    [[], own],
    [[personal], personal],
    [[personal, own], own],
    [[personal, bootstrap], own],
  ];
  for (const [files, expected] of cases) {
    const world = worldWith(Object.fromEntries(files.map((path) => [path, ""])));
    assert.equal((await parse({ world })).kubeconfig, expected, files.join(" "));
  }
  const world = worldWith({ [bootstrap]: "", "/b": "" });
  assert.equal((await parse({ world })).bootstrapFile, bootstrap);
  const env = { HOME, KUBECONFIG: "/a:/b" };
  assert.equal((await parse({ env, world })).kubeconfig, "/b");
  assert.equal((await parse({ env })).kubeconfig, "/a");
});

Deno.test("parseConfig() says which flag helps where the machine has no answer", async () => {
  const lost = worldWith({}, { resolve: () => Promise.resolve([]) });
  await assert.rejects(parse({ world: lost }), { code: "invalid", message: /give --node-ip$/ });
  const odd = worldWith({}, { hostname: () => "my_pc" });
  await assert.rejects(parse({ world: odd }), { message: /"my_pc".*give --hostname/ });
  await assert.rejects(parse({ env: {} }), { message: /HOME is not set.*--data-dir/ });
  assert.equal((await parse({ env: {}, args: ["--data-dir=/d"] })).dataDir, "/d");
});

Deno.test("parseConfig() reads the machine that it runs on", async () => {
  const args = ["--node-ip", "127.0.0.1", "--hostname", "here"];
  const config = await parseConfig({ args, env: { HOME: "/nowhere" }, world: MACHINE });
  assert.equal(config.nodeName, "here");
  assert.equal(MACHINE.readFile("/nowhere/at/all"), undefined);
  assert.ok(MACHINE.hostname().length > 0);
  assert.ok(MACHINE.interfaceAddresses().includes("127.0.0.1"));
});

Deno.test("asksFor() sees the question for help before any mistake", () => {
  assert.equal(asksFor(["--wrong", "-h"]), "help");
  assert.equal(asksFor(["--version"]), "version");
  assert.equal(asksFor(["--", "--help"]), undefined);
  assert.equal(asksFor([]), undefined);
});
