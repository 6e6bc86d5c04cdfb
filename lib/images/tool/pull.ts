/**
 * `krustlet pull`: brings an image into the image store, and out of it into a file or folder.
 *
 * @module
 */
import { join, resolve } from "node:path";
import { KubeletError, messageOf } from "../../errors.ts";
import { namesIn } from "../../files.ts";
import type { ModuleTerms } from "../../provider.ts";
import { openKeyring } from "../credentials/open_keyring.ts";
import { type ImageOnDisk, ImageStore } from "../images.ts";
import { copyTree } from "../layout/copy_tree.ts";
import { ROOT_COPY_BYTES_MAX } from "../layout/limits.ts";
import { formatReference } from "../oci/reference.ts";
import { loadRegistries } from "../registry_files.ts";
import { openPolicy } from "../signing/policy_file.ts";
import { DRAW_MS } from "./limits.ts";
import { type ToolSettings, type ToolWorld, withInsecure } from "./session.ts";
import { Transfers } from "./transfers.ts";
import { attempt, referenceOf } from "./trouble.ts";

/** What `krustlet pull` was asked to do. */
export interface PullRequest {
  /** A name of a registry's. */
  readonly image: string;
  /** File or folder for a copy; a folder if it is one, or ends as one. Undefined is none. */
  readonly output: string | undefined;
  /** How the registry is reached, and how the result is printed. */
  readonly settings: ToolSettings;
}

/** What was pulled. */
export interface PullReport {
  /** The name in its normal form. */
  readonly image: string;
  /** The name by digest. */
  readonly pinned: string;
  /** Of everything, as it was sent. */
  readonly sizeBytes: number;
  /** Absent for an image whose module is a file of its tree. */
  readonly module?: { readonly name: string; readonly digest: string };
  /** Paths that were written, without those inside a tree. */
  readonly written: readonly string[];
}

/**
 * Pulls an image as a node does it: the same credentials, checks, limits and policy, into the same
 * store. A pod of this node, or `krustlet run`, then finds it there.
 *
 * Throws a `KubeletError`: `invalid` for a name or an output that cannot be used, else `image_pull`.
 */
export async function pullImage(
  request: PullRequest,
  { screen, signal, terms }: ToolWorld & { readonly terms: ModuleTerms },
): Promise<PullReport> {
  const { settings, output } = request;
  const reference = referenceOf(request.image);
  const image = formatReference(reference);
  const { dataDir, images } = settings;
  const transfers = new Transfers(screen, settings);
  try {
    await using store = new ImageStore({
      dir: join(dataDir, "images"),
      registries: await loadRegistries(withInsecure(settings, reference)),
      keyring: await openKeyring(images, { ownDir: dataDir }),
      policy: images.policyFile === undefined ? undefined : await openPolicy(images.policyFile),
      localModules: "refused",
      takes: terms,
    });
    using transfer = transfers.begin(image);
    let sentBytes = 0;
    const found = await attempt(
      `Cannot pull image "${image}"`,
      () =>
        store.ensure({ image, policy: "Always", secrets: [] }, {
          signal,
          progressMs: DRAW_MS,
          onProgress: ({ doneBytes, totalBytes }) => {
            sentBytes = totalBytes;
            transfer.at(doneBytes, totalBytes);
          },
        }),
    );
    transfer.at(found.sizeBytes, found.sizeBytes);
    transfer.end(sentBytes === 0 && found.pullMs < DRAW_MS ? "is here" : "pulled");
    const written = output === undefined ? [] : await writeOut(found, output, signal);
    for (const path of written) transfers.note(`Wrote ${path}`);
    const { module, moduleName, imageId, sizeBytes } = found;
    return {
      image,
      pinned: imageId,
      sizeBytes,
      ...(module === undefined ? {} : { module: { name: moduleName, digest: module.digest } }),
      written,
    };
  } finally {
    transfers.close();
  }
}

/** Writes a copy for somebody who is no node. */
async function writeOut(
  { image, module, tree, moduleName }: ImageOnDisk,
  output: string,
  signal: AbortSignal,
): Promise<string[]> {
  const what = `Cannot write image "${image}" to "${output}"`;
  const path = resolve(output);
  const asFolder = /[/\\]$/.test(output) || await isFolder(path);
  try {
    if (tree === undefined && module !== undefined) {
      const to = asFolder ? join(path, moduleName) : path;
      if (asFolder) await Deno.mkdir(path, { recursive: true });
      await copyBeside(module.path, to);
      return [to];
    }
    if (tree === undefined) return [];
    if (!asFolder && await exists(path)) {
      throw invalid(what, `the image holds several files; give a folder, as "${output}/"`);
    }
    await Deno.mkdir(path, { recursive: true });
    if ((await namesIn(path)).length > 0) {
      throw invalid(
        what,
        "the image holds several files, and the folder is not empty; give another",
      );
    }
    if (tree.index.bytes > ROOT_COPY_BYTES_MAX) {
      throw invalid(
        what,
        `it has ${tree.index.bytes} bytes; up to ${ROOT_COPY_BYTES_MAX} are copied`,
      );
    }
    await copyTree(tree, { into: path, signal });
    if (module === undefined) return [path];
    const to = join(path, moduleName);
    if (await exists(to)) {
      throw invalid(what, `a file beside the module is called as it is: "${to}"`);
    }
    await copyBeside(module.path, to);
    return [path];
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof KubeletError) throw error;
    throw invalid(what, messageOf(error), error);
  }
}

/** A reader sees the old file, or all of the new one. */
async function copyBeside(from: string, to: string): Promise<void> {
  const beside = `${to}.${crypto.randomUUID().slice(0, 8)}`;
  try {
    await Deno.copyFile(from, beside);
    await Deno.chmod(beside, 0o644);
    await Deno.rename(beside, to);
  } catch (error) {
    await Deno.remove(beside).catch(() => {});
    throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  return await Deno.stat(path).then(({ isDirectory }) => isDirectory, () => false);
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

function invalid(what: string, state: string, cause?: unknown): KubeletError {
  return new KubeletError("invalid", `${what}: ${state}`, { cause });
}
