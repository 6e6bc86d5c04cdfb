/**
 * What a pod is told of an image that it cannot have.
 *
 * @module
 */
import { isKubeletError, KubeletError } from "../errors.ts";
import { nodeMessage } from "./advice.ts";
import { UnsupportedImage } from "./layout/unsupported.ts";
import { PullFailure } from "./oci/failure.ts";
import { InvalidReference, parseReference, type Reference } from "./oci/reference.ts";
import { isFullDisk } from "./store/disk.ts";

/** Reads an image's name. Throws a `KubeletError` with code `image_name`. */
export function referenceOf(image: string): Reference {
  try {
    return parseReference(image);
  } catch (error) {
    if (!(error instanceof InvalidReference)) throw error;
    throw new KubeletError("image_name", error.message, { cause: error });
  }
}

/** If this is because the disk is full, has room made and says so; other errors stay as they are. */
export function diskFullError(error: unknown, makeRoom: (() => void) | undefined): unknown {
  if (makeRoom === undefined || !isKubeletError(error, "image_pull")) return error;
  if (!isFullDisk(error.cause)) return error;
  makeRoom();
  const message = `${error.message}. Images that nobody uses are removed now, before the next try`;
  return new KubeletError("image_pull", message, { cause: error.cause });
}

/** Says for which image it was; what is no failure of the pull stays as it is. */
export function pullError(error: unknown, image: string): unknown {
  if (!(error instanceof PullFailure)) return error;
  const fail = (begin: string, reason?: string): KubeletError =>
    new KubeletError("image_pull", `${begin}: ${nodeMessage(error)}`, {
      cause: error,
      ...(reason === undefined ? {} : { reason }),
    });
  if (error instanceof UnsupportedImage) {
    return fail(`Cannot run image "${image}"`, "UnsupportedImage");
  }
  if (!error.unavailable) return fail(`Cannot pull image "${image}"`);
  // A kubelet's own words and reason, where its runtime says so.
  const begin = `image pull failed for ${image} because the registry is unavailable`;
  return fail(begin, "RegistryUnavailable");
}
