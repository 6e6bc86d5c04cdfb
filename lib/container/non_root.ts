/**
 * Whether a container may be started that must not run as root.
 *
 * @module
 */
import type { Container, Pod } from "../api/types.ts";
import { KubeletError } from "../errors.ts";
import type { ImageOnDisk } from "../images/images.ts";

/**
 * Throws a {@linkcode KubeletError} with code `container_config` for a container with `runAsNonRoot` that its
 * manifest or its image makes run as root, in a kubelet's words: the container's own fields before the pod's,
 * those before the image's `USER`. A Wasm artifact has no users to name, and passes. Touches nothing.
 *
 * A guest never has a user: this holds for who relies on a manifest to be refused.
 */
export function checkNonRoot(
  pod: Pod,
  { spec, image }: { readonly spec: Container; readonly image: Pick<ImageOnDisk, "user"> },
): void {
  const own = spec.securityContext ?? {};
  const shared = pod.spec?.securityContext ?? {};
  if ((own.runAsNonRoot ?? shared.runAsNonRoot) !== true) return;
  const { name, namespace, uid } = pod.metadata ?? {};
  const refuse = (why: string): never => {
    throw new KubeletError(
      "container_config",
      `${why} (pod: "${name}_${namespace}(${uid})", container: ${spec.name})`,
    );
  };
  const user = own.runAsUser ?? shared.runAsUser;
  if (user === 0) refuse("container's runAsUser breaks non-root policy");
  if (user !== undefined || image.user === undefined) return;
  const [imageUser = ""] = image.user.split(":");
  if (imageUser === "") refuse("container has runAsNonRoot and image will run as root");
  if (!/^-?\d+$/.test(imageUser)) {
    refuse(
      `container has runAsNonRoot and image has non-numeric user (${imageUser}), cannot verify user is non-root`,
    );
  }
  const id = Number(imageUser);
  if (id === 0) refuse("container has runAsNonRoot and image will run as root");
  if (id < 0 || id > USER_ID_MAX) {
    refuse(
      `container has runAsNonRoot and image has an invalid user id (${id}). (Must be 1-(${USER_ID_MAX}))`,
    );
  }
}

/** The largest user id that Kubernetes knows. */
const USER_ID_MAX = 2 ** 31 - 1;
