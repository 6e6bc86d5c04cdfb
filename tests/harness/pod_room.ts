/**
 * What a kubelet makes of a pod's template, in little: files of its volumes, variables, and a root of its own.
 *
 * @module
 */
import { dirname, join } from "node:path";
import type { Cluster } from "./cluster.ts";

/** The parts of a pod's template that are acted on; any other volume or variable is an error. */
export interface PodTemplate {
  readonly serviceAccountName: string;
  readonly securityContext: { readonly runAsUser: number; readonly runAsGroup: number };
  readonly containers: readonly [{
    readonly image: string;
    readonly args: readonly string[];
    readonly env: readonly {
      readonly name: string;
      readonly value?: string;
      readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: string } };
    }[];
    readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  }];
  readonly volumes: readonly Volume[];
}

interface Volume {
  readonly name: string;
  readonly emptyDir?: unknown;
  readonly projected?: { readonly sources: readonly Source[] };
}

interface Source {
  readonly configMap?: {
    readonly name: string;
    readonly items: readonly { readonly key: string; readonly path: string }[];
  };
  readonly serviceAccountToken?: { readonly path: string };
}

/** A folder that is mounted into a room. */
export interface Mount {
  readonly from: string;
  readonly to: string;
  readonly readOnly: boolean;
}

/** The container's variables; `fields` has the values of the downward API. */
export function variables(
  { containers: [{ env }] }: PodTemplate,
  fields: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(env.map(({ name, value, valueFrom }) => {
    const found = value ?? fields[valueFrom?.fieldRef.fieldPath ?? ""];
    if (found === undefined) throw new Error(`Nothing is known of variable ${name}`);
    return [name, found];
  }));
}

/** Makes the volumes that the container mounts, each a folder in `folder`. */
export async function makeVolumes(
  template: PodTemplate,
  { cluster, namespace, folder, claims }: {
    readonly cluster: Cluster;
    readonly namespace: string;
    readonly folder: string;
    /** Names of the claims that the StatefulSet makes. */
    readonly claims: readonly string[];
  },
): Promise<Mount[]> {
  const { serviceAccountName, securityContext: { runAsUser, runAsGroup } } = template;
  const mounts: Mount[] = [];
  for (const { name, mountPath: to } of template.containers[0].volumeMounts) {
    const from = join(folder, name);
    await Deno.mkdir(from);
    const volume = template.volumes.find((one) => one.name === name);
    const files = volume?.projected?.sources;
    if (files === undefined && volume?.emptyDir === undefined && !claims.includes(name)) {
      throw new Error(`Nothing is known of volume ${name}`);
    }
    for (const source of files ?? []) {
      const content = await filesOf(source, { cluster, namespace, serviceAccountName });
      for (const [path, text] of content) {
        await Deno.writeTextFile(join(from, path), text, { mode: 0o644 });
      }
    }
    // As the group of `fsGroup` lets the container write.
    if (Deno.uid() === 0) await Deno.chown(from, runAsUser, runAsGroup);
    mounts.push({ from, to, readOnly: files !== undefined });
  }
  return mounts;
}

async function filesOf(
  { configMap, serviceAccountToken }: Source,
  { cluster, namespace, serviceAccountName }: {
    readonly cluster: Cluster;
    readonly namespace: string;
    readonly serviceAccountName: string;
  },
): Promise<[path: string, text: string][]> {
  if (configMap !== undefined) {
    const { data } = await cluster.get<{ data: Record<string, string> }>(
      `/api/v1/namespaces/${namespace}/configmaps/${configMap.name}`,
    );
    return configMap.items.map(({ key, path }) => [path, data[key]!]);
  }
  const token = await cluster.kubectl(["create", "token", serviceAccountName, "-n", namespace]);
  return [[serviceAccountToken!.path, token.trim()]];
}

/** True if this process may give another one a root of its own. */
export function mayHaveRoom(): boolean {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  try {
    const args = ["--mount", "--uts", "sh", "-c", "mount -t tmpfs none /mnt && setpriv --version"];
    return new Deno.Command("unshare", { args, stdout: "null", stderr: "null" }).outputSync()
      .success;
  } catch {
    return false;
  }
}

/**
 * The command that starts a program as a container is: in a root that nobody can write, with the machine's C
 * library, these mounts and variables and no others, as a user without privileges. No namespace of processes or
 * network, no seccomp. The process stays the same through all of it, so that signals reach the program.
 */
export function inRoom(
  command: readonly string[],
  { root, mounts, env, uid, gid, hostname }: {
    /** An empty folder to build the root in. */
    readonly root: string;
    readonly mounts: readonly Mount[];
    readonly env: Readonly<Record<string, string>>;
    readonly uid: number;
    readonly gid: number;
    readonly hostname: string;
  },
): readonly [string, ...string[]] {
  const q = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
  const at = (path: string): string => q(join(root, path));
  const lines = [
    "set -e",
    "mount --make-rprivate /",
    `mount -t tmpfs room ${q(root)}`,
    `mkdir ${["usr", "proc", "dev", "sys", "etc"].map(at).join(" ")}`,
    `cp -a /etc/resolv.conf /etc/hosts ${at("etc/")}`,
    // Links into usr on most machines, folders on old ones.
    ...["bin", "lib", "lib64"].map((name) =>
      `if [ -L /${name} ]; then cp -a /${name} ${at(name)}; elif [ -d /${name} ]; then ` +
      `mkdir ${at(name)}; mount --bind /${name} ${at(name)}; fi`
    ),
    ...["usr", "proc", "dev", "sys"].map((name) => `mount --rbind /${name} ${at(name)}`),
    ...mounts.flatMap(({ from, to, readOnly }) => [
      `mkdir -p ${at(dirname(to))} ${at(to)}`,
      `mount --bind ${q(from)} ${at(to)}`,
      ...(readOnly ? [`mount -o remount,bind,ro ${at(to)}`] : []),
    ]),
    `mount -o remount,ro ${q(root)}`,
    `hostname ${q(hostname)}`,
    `exec chroot ${q(root)} setpriv --reuid=${uid} --regid=${gid} --clear-groups --no-new-privs ` +
    `--bounding-set=-all --inh-caps=-all env -i PATH=/usr/bin:/bin ${
      Object.entries(env).map(([name, value]) => q(`${name}=${value}`)).join(" ")
    } ${command.map(q).join(" ")}`,
  ];
  return ["unshare", "--mount", "--uts", "sh", "-c", lines.join("\n")];
}
