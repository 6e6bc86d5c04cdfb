/**
 * Which ConfigMaps and Secrets a pod names.
 *
 * @module
 */
import type { Container, Pod, Volume } from "./types.ts";

/** One object that pods can name. */
export interface ObjectRef {
  readonly kind: "ConfigMap" | "Secret";
  readonly namespace: string;
  readonly name: string;
}

/** Every object that this pod names, once each: env, envFrom, volumes and pull secrets. */
export function objectRefs(pod: Pod): ObjectRef[] {
  const namespace = pod.metadata?.namespace ?? "default";
  const { spec } = pod;
  const names = {
    ConfigMap: new Set<string>(),
    Secret: new Set<string>(),
  };
  const add = (kind: ObjectRef["kind"], name: string | undefined): void => {
    if (name !== undefined && name !== "") names[kind].add(name);
  };
  const containers = [spec?.containers, spec?.initContainers, spec?.ephemeralContainers];
  for (const container of containers.flatMap((list) => list ?? [])) addContainer(container, add);
  for (const volume of spec?.volumes ?? []) addVolume(volume, add);
  for (const secret of spec?.imagePullSecrets ?? []) add("Secret", secret.name);
  return (["ConfigMap", "Secret"] as const).flatMap((kind) =>
    [...names[kind]].map((name) => ({ kind, namespace, name }))
  );
}

type Add = (kind: ObjectRef["kind"], name: string | undefined) => void;

function addContainer(container: Container, add: Add): void {
  for (const { valueFrom } of container.env ?? []) {
    add("ConfigMap", valueFrom?.configMapKeyRef?.name);
    add("Secret", valueFrom?.secretKeyRef?.name);
  }
  for (const from of container.envFrom ?? []) {
    add("ConfigMap", from.configMapRef?.name);
    add("Secret", from.secretRef?.name);
  }
}

function addVolume(volume: Volume, add: Add): void {
  add("ConfigMap", volume.configMap?.name);
  add("Secret", volume.secret?.secretName);
  for (const source of volume.projected?.sources ?? []) {
    add("ConfigMap", source.configMap?.name);
    add("Secret", source.secret?.name);
  }
}
