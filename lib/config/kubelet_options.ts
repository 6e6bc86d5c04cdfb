/**
 * The options of the node agent: names, variables and keys are Krustlet's where Krustlet has them,
 * else a kubelet's.
 *
 * @module
 */
import { CERTIFICATE_OPTIONS } from "./certificate_options.ts";
import { DNS_OPTIONS } from "./dns_options.ts";
import { IMAGE_OPTIONS } from "./image_options.ts";
import * as kinds from "./kinds.ts";
import { LOG_OPTIONS } from "./log_options.ts";
import { defineOptions } from "./option.ts";
import { MONITORING_OPTIONS } from "./monitoring_options.ts";
import { NETWORK_OPTIONS } from "./network_options.ts";
import { REGISTRY_OPTIONS } from "./registry_options.ts";
import { RESOURCE_OPTIONS } from "./resource_options.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** Options that every command has. */
export const COMMON_OPTIONS = defineOptions({
  config: {
    flag: "config",
    env: "KRUSTLET_CONFIG",
    kind: kinds.path,
    defaultText: "$HOME/.krustlet/config/config.json, if it is there",
    help: "Config file in JSON.",
    group: "General",
  },
  logLevel: {
    flag: "log-level",
    env: "KRUSTLET_LOG_LEVEL",
    key: "logLevel",
    kind: kinds.choice("debug", "info", "warning", "error"),
    default: "info",
    help: "The least important messages that are logged.",
    group: "General",
  },
  logFormat: {
    flag: "log-format",
    env: "KRUSTLET_LOG_FORMAT",
    key: "logFormat",
    kind: kinds.choice("json", "pretty"),
    default: "pretty",
    help: "Log for machines or for people.",
    group: "General",
  },
  help: {
    flag: "help",
    short: "h",
    kind: kinds.bareFlag,
    default: false,
    help: "Print this help.",
    group: "General",
  },
  version: {
    flag: "version",
    short: "V",
    kind: kinds.bareFlag,
    default: false,
    help: "Print the version.",
    group: "General",
  },
});

/** Options of the commands that run pods. */
export const SANDBOX_OPTIONS = defineOptions({
  requireSandbox: {
    flag: "require-sandbox",
    env: "KRUSTLET_REQUIRE_SANDBOX",
    key: "requireSandbox",
    kind: kinds.choice("landlock", "permissions"),
    defaultText: "what this machine can give",
    help: "Start only if guests can be held by this: the kernel (Linux with Landlock), or at least \
Deno's permissions.",
    group: "Guests",
  },
});

/** Options of `krustlet` and `krustlet start`. */
export const KUBELET_OPTIONS = defineOptions({
  nodeName: {
    flag: "node-name",
    env: "KRUSTLET_NODE_NAME",
    key: "nodeName",
    kind: kinds.subdomain,
    defaultText: "the host name",
    help: "Name of the node in the cluster.",
    group: "Node",
  },
  hostname: {
    flag: "hostname",
    env: "KRUSTLET_HOSTNAME",
    key: "hostname",
    kind: kinds.hostname,
    defaultText: "this machine's own",
    help: "Host name of the node, in its addresses, its label and its certificate.",
    group: "Node",
  },
  nodeIp: {
    flag: "node-ip",
    short: "n",
    env: "KRUSTLET_NODE_IP",
    key: "nodeIP",
    kind: kinds.hostIp,
    defaultText: "what the host name resolves to, else the first network interface's",
    help: "Address by which the API server reaches this node.",
    group: "Node",
  },
  nodeLabels: {
    flag: "node-labels",
    env: "NODE_LABELS",
    key: "nodeLabels",
    kind: kinds.labels,
    default: {},
    help: "Labels of the node. The cluster refuses most keys of kubernetes.io; they are left out.",
    group: "Node",
  },
  registerWithTaints: {
    flag: "register-with-taints",
    env: "KRUSTLET_REGISTER_WITH_TAINTS",
    key: "registerWithTaints",
    kind: kinds.taints,
    defaultText: "kubernetes.io/arch=wasm32-wasi:NoSchedule and :NoExecute",
    help: "Taints of a node that is registered for the first time; an empty text means none.",
    group: "Node",
  },
  maxPods: {
    flag: "max-pods",
    env: "MAX_PODS",
    key: "maxPods",
    kind: kinds.integer(1, 65_535),
    default: 110,
    help: "How many pods the node takes.",
    group: "Node",
  },
  ...NETWORK_OPTIONS,
  ...RESOURCE_OPTIONS,
  nodeStatusUpdateFrequencyMs: {
    flag: "node-status-update-frequency",
    env: "KRUSTLET_NODE_STATUS_UPDATE_FREQUENCY",
    key: "nodeStatusUpdateFrequency",
    kind: kinds.duration(SECOND_MS, 5 * MINUTE_MS),
    default: 10 * SECOND_MS,
    help: "How often the node looks at itself. It reports changes, and all is well every 5m.",
    group: "Node",
  },
  kubeconfig: {
    flag: "kubeconfig",
    env: "KUBECONFIG",
    key: "kubeconfig",
    kind: kinds.path,
    defaultText: "$dataDir/config/kubeconfig if it or the bootstrap file is there, else " +
      "~/.kube/config",
    help: "How to reach the cluster, and as whom. A bootstrap writes it.",
    group: "Cluster",
  },
  bootstrapFile: {
    flag: "bootstrap-file",
    env: "KRUSTLET_BOOTSTRAP_FILE",
    key: "bootstrapFile",
    kind: kinds.path,
    defaultText: "$dataDir/config/bootstrap.conf if it is there, else " +
      "/etc/kubernetes/bootstrap-kubelet.conf",
    help: "Kubeconfig with a bootstrap token, used when there is no kubeconfig yet.",
    group: "Cluster",
  },
  listenerAddress: {
    flag: "addr",
    short: "a",
    env: "KRUSTLET_ADDRESS",
    key: "listenerAddress",
    kind: kinds.ip,
    default: "0.0.0.0",
    help: "Address on which the node's own API listens.",
    group: "Server",
  },
  listenerPort: {
    flag: "port",
    short: "p",
    env: "KRUSTLET_PORT",
    key: "listenerPort",
    kind: kinds.port,
    default: 3_000,
    help: "Port on which the node's own API listens; 0 takes a free one.",
    group: "Server",
  },
  certFile: {
    flag: "cert-file",
    env: "KRUSTLET_CERT_FILE",
    key: "tlsCertificateFile",
    kind: kinds.path,
    defaultText: "$dataDir/config/krustlet.crt",
    help: "Serving certificate in PEM. It is requested from the cluster if it is missing.",
    group: "Server",
  },
  privateKeyFile: {
    flag: "private-key-file",
    env: "KRUSTLET_PRIVATE_KEY_FILE",
    key: "tlsPrivateKeyFile",
    kind: kinds.path,
    defaultText: "$dataDir/config/krustlet.key",
    help: "Key of the serving certificate, in PEM.",
    group: "Server",
  },
  clientCaFile: {
    flag: "client-ca-file",
    env: "KRUSTLET_CLIENT_CA_FILE",
    key: "clientCAFile",
    kind: kinds.path,
    defaultText: "what the cluster publishes, else the kubeconfig's certificate authority",
    help: "Certificate authorities, in PEM, whose client certificates are believed.",
    group: "Server",
  },
  ...DNS_OPTIONS,
  ...CERTIFICATE_OPTIONS,
  ...MONITORING_OPTIONS,
  ...REGISTRY_OPTIONS,
  ...IMAGE_OPTIONS,
  allowLocalModules: {
    flag: "x-allow-local-modules",
    env: "KRUSTLET_ALLOW_LOCAL_MODULES",
    key: "allowLocalModules",
    kind: kinds.flag,
    default: false,
    help: "Experimental: let pods name modules by their path on this machine.",
    group: "Images",
  },
  ...SANDBOX_OPTIONS,
  dataDir: {
    flag: "data-dir",
    env: "KRUSTLET_DATA_DIR",
    key: "dataDir",
    kind: kinds.path,
    defaultText: "$HOME/.krustlet",
    help: "Folder for everything that the node keeps.",
    group: "Storage",
  },
  ...LOG_OPTIONS,
  pluginsDir: {
    flag: "plugins-dir",
    env: "KRUSTLET_PLUGINS_DIR",
    key: "pluginsDir",
    kind: kinds.path,
    defaultText: "$dataDir/plugins",
    help: "Folder in which CSI drivers register.",
    group: "Storage",
  },
  devicePluginsDir: {
    flag: "device-plugins-dir",
    env: "KRUSTLET_DEVICE_PLUGINS_DIR",
    key: "devicePluginsDir",
    kind: kinds.path,
    defaultText: "$dataDir/device_plugins",
    help: "Folder in which device plugins register.",
    group: "Storage",
  },
  podManifestPath: {
    flag: "pod-manifest-path",
    env: "KRUSTLET_POD_MANIFEST_PATH",
    key: "staticPodPath",
    kind: kinds.path,
    defaultText: "none: there are no static pods",
    help: "Folder with manifests of static pods, or one such file. Changes are followed.",
    group: "Storage",
  },
  shutdownGracePeriodMs: {
    flag: "shutdown-grace-period",
    env: "KRUSTLET_SHUTDOWN_GRACE_PERIOD",
    key: "shutdownGracePeriod",
    kind: kinds.duration(0, HOUR_MS),
    defaultText: "30s, and pods stay for the next agent",
    help:
      "How long pods may take to end when the agent is told to end. If it is given, SIGTERM is the \
end of the node: pods have failed then, with the reason Terminated.",
    group: "General",
  },
  shutdownGracePeriodCriticalPodsMs: {
    flag: "shutdown-grace-period-critical-pods",
    env: "KRUSTLET_SHUTDOWN_GRACE_PERIOD_CRITICAL_PODS",
    key: "shutdownGracePeriodCriticalPods",
    kind: kinds.duration(0, HOUR_MS),
    defaultText: "all pods end together",
    help: "The part of --shutdown-grace-period that pods of a system-critical priority have for \
themselves, after all others have ended.",
    group: "General",
  },
  ...COMMON_OPTIONS,
});
