/**
 * Makes a volume's folder show a set of files, in the layout that the system allows.
 *
 * @module
 */
import type { PublishedFile } from "./payload.ts";
import { publishLinks } from "./publish_links.ts";
import { publishPlain } from "./publish_plain.ts";

/**
 * How files lie in a volume's folder: `links` as a kubelet does it, where all files change at once; `plain`
 * for Windows, where not everybody may make links.
 */
export type Layout = "links" | "plain";

/** How to publish. */
export interface PublishOptions {
  /**
   * Keeps the files of earlier publications, for containers that mount a part of the volume by
   * `subPath`: such a mount goes on showing what it showed when the container began. Without effect in the
   * layout `plain`, which has no earlier files: there only a single file stays, of which the container has
   * a copy.
   *
   * @default false
   */
  readonly keepPrevious?: boolean;
  /** @default {"plain" on Windows, "links" elsewhere} */
  readonly layout?: Layout | undefined;
}

/**
 * Makes `folder`, which must exist, show these files and no others. True if anything changed.
 *
 * Not safe against a second call for the same folder at the same time. Throws a `KubeletError` with code
 * `volume` for a path that would leave the folder, clash with the reserved names, or be a file and a folder at
 * once; then nothing has changed.
 */
export async function publish(
  folder: string,
  payload: ReadonlyMap<string, PublishedFile>,
  options: PublishOptions = {},
): Promise<boolean> {
  const { keepPrevious = false, layout = layoutOf(Deno.build.os) } = options;
  if (layout === "plain") return await publishPlain(folder, payload);
  return await publishLinks(folder, payload, { keepPrevious });
}

/** The layout for a system. */
export function layoutOf(os: typeof Deno.build.os): Layout {
  return os === "windows" ? "plain" : "links";
}
