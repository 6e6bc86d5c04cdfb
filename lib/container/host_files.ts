/**
 * What a container finds of its pod's names: `/etc/hosts`, `/etc/hostname` and `/etc/resolv.conf`, as a
 * kubelet makes them.
 *
 * @module
 */
import { hostname } from "node:os";
import type { Pod } from "../api/types.ts";
import { KubeletError } from "../errors.ts";
import type { ImageOnDisk } from "../images/images.ts";
import type { ContainerMount } from "../provider.ts";
import type { PodNetworks } from "../pod_networks.ts";
import { placeInRoot } from "./root.ts";

/** Characters of a host name, as systems count them. */
const HOSTNAME_CHARS_MAX = 63;
/** What services' names end in. */
const CLUSTER_DOMAIN = "cluster.local";
/** Names that every machine has. */
const LOCAL_NAMES = [
  "127.0.0.1\tlocalhost",
  "::1\tlocalhost ip6-localhost ip6-loopback",
  "fe00::0\tip6-localnet",
  "fe00::0\tip6-mcastprefix",
  "fe00::1\tip6-allnodes",
  "fe00::2\tip6-allrouters",
];

/** One file that is made for a container. */
export interface HostFile {
  /** Absolute path in the container. */
  readonly guestPath: string;
  readonly text: string;
}

/** What a pod's names lead to, and end in. */
export interface HostsFacts {
  readonly podIPs: readonly string[];
  /** @default {cluster.local} */
  readonly clusterDomain?: string | undefined;
}

/** The pod's name for itself: `spec.hostname`, else its own, cut to what fits. */
export function hostnameOf({ metadata, spec }: Pod): string {
  const name = spec?.hostnameOverride || spec?.hostname || (metadata?.name ?? "");
  return name.slice(0, HOSTNAME_CHARS_MAX).replace(/[-.]+$/, "");
}

/** What a container's variable `HOSTNAME` says: on the node's network, the node's own name. */
export function hostnameSeen(pod: Pod): string {
  return pod.spec?.hostNetwork === true ? hostname() : hostnameOf(pod);
}

/** The name behind {@linkcode hostnameOf}; empty unless the pod has a `subdomain`. */
export function hostDomainOf({ metadata, spec }: Pod, clusterDomain = CLUSTER_DOMAIN): string {
  if (spec?.hostnameOverride || !spec?.subdomain) return "";
  return `${spec.subdomain}.${metadata?.namespace}.svc.${clusterDomain}`;
}

/**
 * The text of `/etc/hosts`; touches nothing.
 * `nodeHosts` is the node's own file, which a pod on the node's network has in place of the pod's names.
 */
export function hostsText(
  pod: Pod,
  { podIPs, nodeHosts, clusterDomain }: HostsFacts & { readonly nodeHosts?: string | undefined },
): string {
  const name = hostnameOf(pod);
  const domain = hostDomainOf(pod, clusterDomain);
  const names = domain === "" ? name : `${name}.${domain}\t${name}`;
  const head = nodeHosts === undefined
    ? ["# Kubernetes-managed hosts file.", ...LOCAL_NAMES, ...podIPs.map((ip) => `${ip}\t${names}`)]
    : ["# Kubernetes-managed hosts file (host network).", nodeHosts.trimEnd()];
  const aliases = (pod.spec?.hostAliases ?? []).map(({ ip, hostnames = [] }) =>
    [ip, ...hostnames].join("\t")
  );
  const tail = aliases.length === 0 ? [] : ["", "# Entries added by HostAliases.", ...aliases];
  return `${[...head, ...tail].join("\n")}\n`;
}

/** The text of the pod's `/etc/hosts`, whatever its containers mount over it. */
export async function readHosts(
  pod: Pod,
  networks: Pick<PodNetworks, "podIPs" | "clusterDomain">,
): Promise<string> {
  const podIPs = networks.podIPs(pod.metadata?.uid ?? "") ?? [];
  return await hostsOf(pod, { podIPs, clusterDomain: networks.clusterDomain });
}

/** The files of a container, less those over which something of its own is mounted. */
export async function hostFiles(
  pod: Pod,
  { podIPs, mounts, resolvConf, clusterDomain }: HostsFacts & {
    /** Whom the pod asks for names, as the text of `/etc/resolv.conf`. @default {the image's file stays} */
    readonly resolvConf?: string | undefined;
    readonly mounts: readonly ContainerMount[];
  },
): Promise<HostFile[]> {
  const hosts = await hostsOf(pod, { podIPs, clusterDomain });
  const files = [{ guestPath: "/etc/hosts", text: hosts }];
  if (pod.spec?.hostNetwork !== true) {
    files.push({ guestPath: "/etc/hostname", text: `${hostnameOf(pod)}\n` });
  }
  if (resolvConf !== undefined) files.push({ guestPath: "/etc/resolv.conf", text: resolvConf });
  return files.filter(({ guestPath }) =>
    !mounts.some((mount) => mount.guestPath === guestPath || mount.guestPath === "/etc")
  );
}

async function hostsOf(pod: Pod, facts: HostsFacts): Promise<string> {
  const ofNode = pod.spec?.hostNetwork === true;
  const nodeHosts = ofNode ? await Deno.readTextFile("/etc/hosts").catch(() => "") : undefined;
  return hostsText(pod, { ...facts, nodeHosts });
}

/** Writes them into a root that no guest can change yet, in the place of what the image has there. */
export async function placeHostFiles(
  files: readonly HostFile[],
  { rootPath, tree }: { readonly rootPath: string; readonly tree: ImageOnDisk["tree"] },
): Promise<void> {
  await Promise.all(files.map(async ({ guestPath, text }) => {
    const place = placeOf(guestPath, tree);
    if (place === undefined) return;
    const path = `${rootPath}${place}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    // A root without an image's files was empty until now.
    if (tree !== undefined) await Deno.remove(path).catch(() => {});
    // Never through a link, and never into a folder that has this name.
    await Deno.writeTextFile(path, text, { createNew: true, mode: 0o644 }).catch((error) => {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    });
  }));
}

/** `undefined` for an image in which no such file can be. */
function placeOf(guestPath: string, tree: ImageOnDisk["tree"]): string | undefined {
  try {
    return placeInRoot(guestPath, tree);
  } catch (error) {
    if (error instanceof KubeletError) return undefined;
    throw error;
  }
}
