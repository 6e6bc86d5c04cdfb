import { KubeletError } from "../../errors.ts";
import { COPIES_MAX, ROOT_COPY_BYTES_MAX } from "./limits.ts";
import type { Tree } from "./tree_store.ts";

/**
 * Copies a tree into the folder `into`, which exists and is empty, for a container that may change it.
 *
 * Where the file system can share blocks between files (Btrfs, XFS, APFS), the copy costs none. Throws a
 * `KubeletError` with code `container_config` for a tree beyond `ROOT_COPY_BYTES_MAX`.
 */
export async function copyTree(
  { path, index }: Tree,
  { into, signal }: { readonly into: string; readonly signal: AbortSignal },
): Promise<void> {
  if (index.bytes > ROOT_COPY_BYTES_MAX) {
    throw new KubeletError(
      "container_config",
      `Cannot make a root of its own for the container: its image has ${index.bytes} bytes of files, ` +
        `and up to ${ROOT_COPY_BYTES_MAX} are copied; set securityContext.readOnlyRootFilesystem, or ` +
        "put the data into a volume",
    );
  }
  const files: string[] = [];
  for (const entry of index.entries) {
    signal.throwIfAborted();
    const to = `${into}/${entry.path}`;
    if (entry.kind === "folder") await Deno.mkdir(to, { mode: 0o700 });
    else if (entry.kind === "link") await Deno.symlink(entry.target, to, { type: "file" });
    else files.push(entry.path);
  }
  const copyNext = async (): Promise<void> => {
    for (let file = files.pop(); file !== undefined; file = files.pop()) {
      signal.throwIfAborted();
      await Deno.copyFile(`${path}/${file}`, `${into}/${file}`);
    }
  };
  const results = await Promise.allSettled(Array.from({ length: COPIES_MAX }, copyNext));
  // All are waited for, so that nothing goes on when the first failure is thrown.
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
