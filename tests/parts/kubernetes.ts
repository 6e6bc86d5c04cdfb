/**
 * Where Kubernetes' own programs are.
 *
 * @module
 */
import { join } from "node:path";
import { goProgram } from "./go_program.ts";

/** A program of a control plane, or its client. */
export type KubernetesProgram =
  | "etcd"
  | "kube-apiserver"
  | "kube-controller-manager"
  | "kube-scheduler"
  | "kubectl";

/**
 * The words that start a program, before its own arguments.
 *
 * `$KUBEBUILDER_ASSETS` may name a folder of ready-made programs. Without it, all of them are one
 * program, which is built from `tests/control_plane/`.
 */
export async function kubernetesProgram(
  name: KubernetesProgram,
): Promise<readonly [string, ...string[]]> {
  const assets = Deno.env.get("KUBEBUILDER_ASSETS");
  if (!assets) return [await goProgram("control_plane"), name];
  const path = join(assets, name);
  if (!await Deno.stat(path).then(({ isFile }) => isFile, () => false)) {
    throw new Error(
      `Cannot start "${name}": $KUBEBUILDER_ASSETS is "${assets}", which has no such file; unset it \
to build Kubernetes from source`,
    );
  }
  return [path];
}
