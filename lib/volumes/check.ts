import type { Pod, Volume } from "../api/types.ts";
import { KubeletError } from "../errors.ts";
import { EMPTY_DIR_MEDIA } from "./empty_dir.ts";
import { PROJECTIONS } from "./projected.ts";
import { isVolumeName, kindsOf, VOLUME_KINDS } from "./volume.ts";

/**
 * Throws a {@linkcode KubeletError} with code `rejected` for a pod with a volume that this program
 * can never set up: an unknown kind, projection or medium. The message names the volume and says
 * what is supported.
 */
export function checkVolumes(pod: Pod): void {
  const names = new Set<string>();
  for (const volume of pod.spec?.volumes ?? []) {
    const problem = names.has(volume.name)
      ? "its name is used twice in the pod"
      : volumeProblem(volume);
    if (problem !== undefined) {
      throw new KubeletError("rejected", `Cannot mount volume "${volume.name}": ${problem}`, {
        reason: "UnsupportedVolume",
      });
    }
    names.add(volume.name);
  }
}

function volumeProblem(volume: Volume): string | undefined {
  if (!isVolumeName(volume.name)) return "its name is not a DNS label";
  const kinds = kindsOf(volume);
  if (kinds.length > 1) return `it has more than one kind: ${kinds.join(", ")}`;
  const unknown = kinds.find((kind) => !VOLUME_KINDS.includes(kind));
  if (unknown !== undefined) return unsupported("volume kind", unknown, VOLUME_KINDS);
  for (const source of volume.projected?.sources ?? []) {
    const projection = Object.keys(source).find((kind) => !PROJECTIONS.includes(kind));
    if (projection !== undefined) return unsupported("projected source", projection, PROJECTIONS);
  }
  const medium = volume.emptyDir?.medium ?? "";
  if (!EMPTY_DIR_MEDIA.includes(medium)) {
    return unsupported("emptyDir medium", medium, EMPTY_DIR_MEDIA.filter((known) => known !== ""));
  }
  return undefined;
}

function unsupported(what: string, value: string, supported: readonly string[]): string {
  return `the ${what} "${value}" is not supported; supported: ${supported.join(", ")}`;
}
