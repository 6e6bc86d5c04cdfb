/**
 * The configuration of the node agent.
 *
 * @module
 */
import { join, resolve } from "node:path";
import type { Taint } from "../api/types.ts";
import { KubeletError, messageOf } from "../errors.ts";
import { checkKeys, type ConfigFile, parseConfigFile } from "./config_file.ts";
import { type CertificateSettings, certificateSettings } from "./certificate_options.ts";
import { type DnsSettings, dnsSettings } from "./dns_options.ts";
import { type ImageSettings, imageSettings } from "./image_options.ts";
import { type LogSettings, logSettings } from "./log_options.ts";
import { shownFlags } from "./monitoring_options.ts";
import { type NetworkSettings, networkSettings } from "./network_options.ts";
import { parseHostname } from "./names.ts";
import { chooseNodeIp } from "./node_ip.ts";
import { KUBELET_OPTIONS } from "./kubelet_options.ts";
import type { OptionValues } from "./option.ts";
import { readOptions } from "./read_options.ts";
import type { HostValues } from "./registry_kinds.ts";
import { type ResourceSettings, resourceSettings } from "./resource_options.ts";
import { shownConfig } from "./shown_config.ts";
import { shutdownSettings } from "./shutdown_options.ts";
import { MACHINE, type World } from "./world.ts";

/** Everything that can be configured, checked and complete. Paths are absolute. */
export interface KrustletConfig extends ResourceSettings, LogSettings, NetworkSettings {
  /** Name of the node object; the host name unless it was given. */
  readonly nodeName: string;
  /** In the node's addresses, its label and its certificate; lower case. */
  readonly hostname: string;
  /** Address by which the API server reaches this node. */
  readonly nodeIp: string;
  /** Labels that were asked for; which of them the cluster allows is decided later. */
  readonly nodeLabels: Readonly<Record<string, string>>;
  /** `undefined` means the taints that follow from the provider's architecture. */
  readonly registerWithTaints: readonly Taint[] | undefined;
  /** How many pods the node takes. Default 110. */
  readonly maxPods: number;
  /** How often the node looks at itself, in ms. Default 10 s. */
  readonly nodeStatusUpdateFrequencyMs: number;
  /** Where the kubeconfig is, or will be written by a bootstrap. */
  readonly kubeconfig: string;
  /** Kubeconfig with a bootstrap token, for when `kubeconfig` is not there yet. */
  readonly bootstrapFile: string;
  /** Address on which the node's own API listens. Default `0.0.0.0`. */
  readonly listenerAddress: string;
  /** 0 takes a free one. */
  readonly listenerPort: number;
  /** Where programs of this machine ask how the node is; 0 for nowhere. Default 10248. */
  readonly healthzPort: number;
  /** Default `127.0.0.1`. */
  readonly healthzBindAddress: string;
  /** True if the files below `/var/log` are shown. Default false. */
  readonly enableSystemLogHandler: boolean;
  /** Serving certificate in PEM; requested from the cluster if it is missing. */
  readonly certFile: string;
  /** Key of the serving certificate in PEM. */
  readonly privateKeyFile: string;
  /** `undefined` means what the cluster publishes, or else the kubeconfig's authority. */
  readonly clientCaFile: string | undefined;
  /** How certificates are asked for and renewed. */
  readonly certificates: CertificateSettings;
  /** Whom pods ask for names. */
  readonly dns: DnsSettings;
  /** Registries, as `HOST[:PORT]`, that are spoken to without TLS. */
  readonly insecureRegistries: readonly string[];
  /** Addresses of mirrors by registry, in the order in which they are asked. */
  readonly registryMirrors: HostValues;
  /** Files with certificate authorities, by registry. */
  readonly registryCas: HostValues;
  /** Files with a client certificate and its key, by registry. */
  readonly registryClientCerts: HostValues;
  /** What is done with images, besides their registries. */
  readonly images: ImageSettings;
  /** True if pods may name modules by their path on this machine. Default false. */
  readonly allowLocalModules: boolean;
  /** What must hold guests, or the agent does not start. `undefined` takes what there is. */
  readonly requireSandbox: "landlock" | "permissions" | undefined;
  /** Folder for everything that the node keeps. Default `$HOME/.krustlet`. */
  readonly dataDir: string;
  /** Accepted from old configurations; nothing reads it. */
  readonly pluginsDir: string;
  /** Accepted from old configurations; nothing reads it. */
  readonly devicePluginsDir: string;
  /** Folder with manifests of static pods, or one such file; `undefined` without static pods. */
  readonly podManifestPath: string | undefined;
  /** How long pods may take to end when the agent ends, in ms. Default 30 s. */
  readonly shutdownGracePeriodMs: number;
  /** The part of it that pods of the system have for themselves; `undefined`: all end together. */
  readonly shutdownGracePeriodCriticalPodsMs: number | undefined;
  /** True if the end of the agent is the end of the node. Default false: pods stay. */
  readonly shutdownEndsPods: boolean;
  /** The least important messages that are logged. Default `info`. */
  readonly logLevel: "debug" | "info" | "warning" | "error";
  /** For machines or for people. Default `pretty`. */
  readonly logFormat: "json" | "pretty";
  /** The same for whoever asks the node for it; nothing of it is a secret. */
  readonly shown: {
    /** By a kubelet's names, as far as they are its settings. */
    readonly config: Readonly<Record<string, unknown>>;
    /** The value of every option, by its flag. */
    readonly flags: Readonly<Record<string, string>>;
  };
}

/** What a configuration is read from. */
export interface ConfigSources {
  /** Arguments behind the command's word. */
  readonly args: readonly string[];
  /** Environment variables. @default {Deno.env.toObject()} */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The machine whose files, names and addresses count. @default {this one} */
  readonly world?: World;
}

/**
 * Reads the configuration: flag before environment before config file before default.
 *
 * @throws {KubeletError} `invalid`, naming what is wrong, where it was said and what is allowed.
 */
export async function parseConfig(sources: ConfigSources): Promise<KrustletConfig> {
  const { args, env = Deno.env.toObject(), world = MACHINE } = sources;
  const file = loadConfigFile({ args, env, world });
  const { values } = readOptions(KUBELET_OPTIONS, { args, env, file });
  return await completeConfig(values, { env, world });
}

/**
 * Completes what was read by the defaults that depend on the machine.
 *
 * @throws {KubeletError} `invalid`, if the machine does not tell what has to be known.
 */
export async function completeConfig(
  values: OptionValues<typeof KUBELET_OPTIONS>,
  sources: Omit<ConfigSources, "args">,
): Promise<KrustletConfig> {
  const { env = Deno.env.toObject(), world = MACHINE } = sources;
  const home = homeOf(env);
  const dataDir = resolve(values.dataDir ?? join(needHome(home, "--data-dir"), ".krustlet"));
  const hostname = values.hostname ?? ownHostname(world);
  const bootstrapFile = resolve(values.bootstrapFile ?? defaultBootstrapFile(dataDir, world));
  const paths = { dataDir, bootstrapFile, home };
  const config = {
    nodeName: values.nodeName ?? hostname,
    hostname,
    nodeIp: values.nodeIp ?? await defaultNodeIp(values.listenerAddress, hostname, world),
    nodeLabels: values.nodeLabels,
    registerWithTaints: values.registerWithTaints,
    maxPods: values.maxPods,
    ...networkSettings(values),
    ...resourceSettings(values),
    ...logSettings(values),
    nodeStatusUpdateFrequencyMs: values.nodeStatusUpdateFrequencyMs,
    kubeconfig: resolve(chooseKubeconfig(values.kubeconfig, paths, world)),
    bootstrapFile,
    listenerAddress: values.listenerAddress,
    listenerPort: values.listenerPort,
    healthzPort: values.healthzPort,
    healthzBindAddress: values.healthzBindAddress,
    enableSystemLogHandler: values.enableSystemLogHandler,
    ...certificatePaths(values, dataDir),
    certificates: certificateSettings(values),
    dns: dnsSettings(values),
    insecureRegistries: values.insecureRegistries,
    registryMirrors: values.registryMirrors,
    registryCas: values.registryCas,
    registryClientCerts: values.registryClientCerts,
    images: imageSettings(values, home),
    allowLocalModules: values.allowLocalModules,
    requireSandbox: values.requireSandbox,
    dataDir,
    pluginsDir: resolve(values.pluginsDir ?? join(dataDir, "plugins")),
    devicePluginsDir: resolve(values.devicePluginsDir ?? join(dataDir, "device_plugins")),
    podManifestPath: values.podManifestPath === undefined
      ? undefined
      : resolve(values.podManifestPath),
    ...shutdownSettings(values),
    logLevel: values.logLevel,
    logFormat: values.logFormat,
  };
  const flags = shownFlags(KUBELET_OPTIONS, values);
  return { ...config, shown: { config: shownConfig(config), flags } };
}

/**
 * Reads the file that `--config` or `KRUSTLET_CONFIG` names, else the default one if it is there.
 * All commands share this one file, so that its keys are always the node agent's.
 *
 * @throws {KubeletError} `invalid`, if a named file is missing, or any file is unreadable.
 */
export function loadConfigFile(sources: ConfigSources): ConfigFile | undefined {
  const { args, env = Deno.env.toObject(), world = MACHINE } = sources;
  const named = namedConfigFile(args, env);
  const home = homeOf(env);
  if (named === undefined && home === undefined) return undefined;
  const path = resolve(named ?? join(home!, ".krustlet", "config", "config.json"));
  let content: string | undefined;
  try {
    content = world.readFile(path);
  } catch (cause) {
    throw new KubeletError("invalid", `Cannot read config file "${path}": ${messageOf(cause)}`, {
      cause,
    });
  }
  if (content === undefined) {
    if (named === undefined) return undefined;
    throw new KubeletError("invalid", `Cannot read config file "${path}": there is no such file`);
  }
  const file = parseConfigFile(path, content);
  checkKeys(file, KUBELET_OPTIONS);
  return file;
}

/** What the arguments ask for before anything else: a look ahead that no bad option spoils. */
export function asksFor(args: readonly string[]): "help" | "version" | undefined {
  const end = args.indexOf("--");
  for (const arg of end < 0 ? args : args.slice(0, end)) {
    if (arg === "--help" || arg === "-h") return "help";
    if (arg === "--version" || arg === "-V") return "version";
  }
  return undefined;
}

/** `--config` decides which file is read, so it is read before everything else. */
function namedConfigFile(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const end = args.indexOf("--");
  const options = end < 0 ? args : args.slice(0, end);
  const at = options.findLastIndex((arg) => arg === "--config" || arg.startsWith("--config="));
  // A missing value is refused when all options are read.
  const given = at < 0 ? undefined : options[at]!.slice("--config=".length) || options[at + 1];
  return given ?? (env["KRUSTLET_CONFIG"] || undefined);
}

function homeOf(env: Readonly<Record<string, string | undefined>>): string | undefined {
  return env["HOME"] || env["USERPROFILE"] || undefined;
}

function needHome(home: string | undefined, flag: string): string {
  if (home !== undefined) return home;
  throw new KubeletError(
    "invalid",
    `Cannot find a default for ${flag}: HOME is not set; set it, or give ${flag}`,
  );
}

function ownHostname(world: World): string {
  const hostname = world.hostname();
  try {
    return parseHostname(hostname);
  } catch (error) {
    throw new KubeletError(
      "invalid",
      `Cannot use this machine's host name "${hostname}": ${messageOf(error)}; give --hostname ` +
        `with ${KUBELET_OPTIONS.hostname.kind.allowed}`,
    );
  }
}

async function defaultNodeIp(
  listenerAddress: string,
  hostname: string,
  world: World,
): Promise<string> {
  const nodeIp = chooseNodeIp({
    listenerAddress,
    resolved: await world.resolve(hostname),
    interfaces: world.interfaceAddresses(),
  });
  if (nodeIp !== undefined) return nodeIp;
  throw new KubeletError(
    "invalid",
    `Cannot find the node's address: neither host name "${hostname}" nor a network interface has ` +
      `one that fits --addr ${listenerAddress} and that others can reach; give --node-ip`,
  );
}

function defaultBootstrapFile(dataDir: string, world: World): string {
  const own = join(dataDir, "config", "bootstrap.conf");
  const kubeadms = "/etc/kubernetes/bootstrap-kubelet.conf";
  return world.exists(own) || world.pathSeparator === ";" ? own : kubeadms;
}

/**
 * A personal `~/.kube/config` is the last choice: it is often an administrator's, and a node that
 * is to be bootstrapped must not take it for its own.
 */
function chooseKubeconfig(
  given: string | undefined,
  paths: { dataDir: string; bootstrapFile: string; home: string | undefined },
  world: World,
): string {
  if (given !== undefined) {
    const list = given.split(world.pathSeparator).filter((path) => path !== "");
    return list.find((path) => world.exists(path)) ?? list[0] ?? given;
  }
  const own = join(paths.dataDir, "config", "kubeconfig");
  if (world.exists(own) || world.exists(paths.bootstrapFile) || paths.home === undefined) {
    return own;
  }
  const personal = join(paths.home, ".kube", "config");
  return world.exists(personal) ? personal : own;
}

function certificatePaths(
  values: OptionValues<typeof KUBELET_OPTIONS>,
  dataDir: string,
): Pick<KrustletConfig, "certFile" | "privateKeyFile" | "clientCaFile"> {
  const { certFile, privateKeyFile, clientCaFile } = values;
  return {
    certFile: resolve(certFile ?? join(dataDir, "config", "krustlet.crt")),
    privateKeyFile: resolve(privateKeyFile ?? join(dataDir, "config", "krustlet.key")),
    clientCaFile: clientCaFile === undefined ? undefined : resolve(clientCaFile),
  };
}
