/**
 * Images that are layouts on this machine: `oci:./app`, `oci:/srv/app:v1`, `oci-archive:./app.tar`.
 *
 * @module
 */
import { messageOf } from "../../errors.ts";
import { PullFailure } from "../oci/failure.ts";
import { LayoutArchive } from "./layout_archive.ts";
import type { LayoutFiles } from "./layout_files.ts";
import { LayoutFolder } from "./layout_folder.ts";

/** Where a layout lies, and which image of it is meant. */
export interface LayoutPlace {
  readonly kind: "folder" | "archive";
  readonly path: string;
  /** A name in its index. @default {it has one image, or one for each platform} */
  readonly name?: string;
}

/** The layout that an image stands for; undefined if it is no such image. */
export function layoutPlace(image: string): LayoutPlace | undefined {
  // A path begins as one, so that `oci:1.0` is still an image of that name in a registry. It ends at
  // the first colon, as container tools have it: a name in a layout may be a whole reference.
  const place =
    /^(oci|oci-archive):((?:\.{0,2}[/\\]|[a-z]:[/\\])[^:]*)(?::([\w][\w.@:/+-]{0,254}))?$/i
      .exec(image);
  if (place === null) return undefined;
  const [, scheme = "", path = "", name] = place;
  return {
    kind: scheme.toLowerCase() === "oci" ? "folder" : "archive",
    path,
    ...(name === undefined ? {} : { name }),
  };
}

/** Opens the layout. Throws a `PullFailure` if it is not there, or cannot be read. */
export async function openLayout(
  { kind, path }: LayoutPlace,
  signal: AbortSignal,
): Promise<LayoutFiles> {
  const info = await Deno.stat(path).catch((error) => {
    const missing = error instanceof Deno.errors.NotFound;
    const state = missing ? "does not exist" : `cannot be read (${messageOf(error)})`;
    throw new PullFailure(`"${path}" ${state}`, { cause: error });
  });
  if (info.isDirectory !== (kind === "folder")) {
    throw new PullFailure(
      info.isDirectory
        ? `"${path}" is a folder; write oci:${path}`
        : `"${path}" is no folder; for an archive write oci-archive:${path}`,
    );
  }
  return kind === "folder" ? new LayoutFolder(path) : await LayoutArchive.open(path, signal);
}
