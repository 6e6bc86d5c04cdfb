/**
 * Which images the pods of a node need.
 *
 * @module
 */
import type { Pod } from "../api/types.ts";
import { formatReference, InvalidReference, parseReference } from "./oci/reference.ts";

/**
 * Ids and references, in their normal form, of all images that containers and volumes of these pods have
 * or are about to have. Those of containers that have ended count too: they may run again.
 *
 * @param mounted ids of images that volumes are made of already.
 */
export function imagesInUse(
  pods: readonly Pod[],
  mounted: Iterable<string> = [],
): ReadonlySet<string> {
  const used = new Set<string>(mounted);
  for (const { spec, status } of pods) {
    const containers = [
      ...(spec?.containers ?? []),
      ...(spec?.initContainers ?? []),
      ...(spec?.ephemeralContainers ?? []),
    ];
    const volumes = (spec?.volumes ?? []).map(({ image }) => image?.reference);
    for (const image of [...containers.map(({ image }) => image), ...volumes]) {
      for (const name of namesOf(image)) used.add(name);
    }
    const statuses = [
      ...(status?.containerStatuses ?? []),
      ...(status?.initContainerStatuses ?? []),
    ];
    for (const { imageID } of statuses) if (imageID !== "") used.add(imageID);
  }
  return used;
}

/** A reference with a digest is found by its digest, with the tag and without. */
function namesOf(image: string | undefined): string[] {
  if (image === undefined) return [];
  try {
    const reference = parseReference(image);
    const { registry, repository, digest } = reference;
    return [
      formatReference(reference),
      ...(digest === undefined ? [] : [`${registry}/${repository}@${digest}`]),
    ];
  } catch (error) {
    if (error instanceof InvalidReference) return [];
    throw error;
  }
}
