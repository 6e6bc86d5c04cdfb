/**
 * What is remembered of an image that is here.
 *
 * @module
 */
import type { TreePart } from "../layout/tree_store.ts";
import { isDigest } from "../oci/reference.ts";

/** What an image is here for: to be run, or for all of its files, as a volume has them. */
export type ImagePurpose = "run" | "volume";

/** An image as it was pulled, without its bytes. It has a module, or a tree with one in it, or both. */
export interface ImageRecord {
  /** The reference in its normal form. */
  readonly image: string;
  /** `registry/repository@digest`: what the reference meant when it was pulled. */
  readonly imageId: string;
  /** The layer that is the module. Absent: the module is a file of the tree. */
  readonly module?: { readonly digest: string; readonly size: number };
  /** The files of the container's root; absent for an empty root. */
  readonly tree?: {
    readonly parts: readonly TreePart[];
    /** True for files that are data of the module: the guest changes nothing beside them. */
    readonly readOnly: boolean;
  };
  readonly moduleName: string;
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly imageEnv?: Readonly<Record<string, string>>;
  /** Absolute path of the current directory. */
  readonly workingDir?: string;
  /** As its config says; empty, which is root, if that says none. Absent for an image without such a config. */
  readonly user?: string;
  /** As its config says: a signal's name or number. */
  readonly stopSignal?: string;
  /** What it was pulled for: each purpose has a record of its own. @default "run" */
  readonly purpose?: ImagePurpose;
}

/** The name of a record in the index: there is one for each reference and purpose. */
export function recordKey(
  { image, purpose = "run" }: Pick<ImageRecord, "image" | "purpose">,
): string {
  return purpose === "run" ? image : `${purpose} ${image}`;
}

/** All blobs that an image was made of: its module, and the layers of its tree. */
export function blobsOf(
  { module, tree }: Pick<ImageRecord, "module" | "tree">,
): { readonly digest: string; readonly size: number }[] {
  return [...(module === undefined ? [] : [module]), ...(tree?.parts ?? [])];
}

/** Bytes of an image as they were sent: of its module, and of the layers of its tree. */
export function imageBytes(record: Pick<ImageRecord, "module" | "tree">): number {
  return blobsOf(record).reduce((sum, { size }) => sum + size, 0);
}

/** True for a record as this program writes it. */
export function isRecord(value: unknown): value is ImageRecord {
  if (!isObject(value)) return false;
  const { image, imageId, module, tree, moduleName, entrypoint, cmd, imageEnv, purpose } = value;
  return typeof image === "string" && typeof imageId === "string" &&
    typeof moduleName === "string" && (module !== undefined || tree !== undefined) &&
    (module === undefined || isBlob(module)) && (tree === undefined || isTree(tree)) &&
    ["workingDir", "user", "stopSignal"].every((field) =>
      value[field] === undefined || typeof value[field] === "string"
    ) &&
    (purpose === undefined || purpose === "run" || purpose === "volume") &&
    [entrypoint, cmd].every((words) => words === undefined || isTexts(words)) &&
    (imageEnv === undefined ||
      (isObject(imageEnv) && Object.values(imageEnv).every((x) => typeof x === "string")));
}

function isTree(value: unknown): boolean {
  return isObject(value) && Array.isArray(value["parts"]) && value["parts"].every(isTreePart) &&
    typeof value["readOnly"] === "boolean";
}

function isTreePart(value: unknown): value is TreePart {
  if (!isBlob(value)) return false;
  const { kind, path, diffId } = value;
  if (kind === "file") return typeof path === "string";
  return kind === "archive" &&
    (diffId === undefined || (typeof diffId === "string" && isDigest(diffId)));
}

function isBlob(value: unknown): value is Record<string, unknown> {
  return isObject(value) && typeof value["digest"] === "string" && isDigest(value["digest"]) &&
    Number.isSafeInteger(value["size"]);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((x) => typeof x === "string");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
