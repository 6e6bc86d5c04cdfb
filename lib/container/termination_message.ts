/**
 * What a container leaves behind as its last words.
 *
 * @module
 */
import type { Container, Pod } from "../api/types.ts";
import { hold } from "../hold.ts";
import type { ContainerMount, ContainerRun } from "../provider.ts";
import { readLog } from "./log_file.ts";

/** Where a container that names no other path writes its last words. */
const DEFAULT_PATH = "/dev/termination-log";
/** Bytes for one container, and for all of a pod together: a kubelet's own bounds. */
const BYTES_MAX = { container: 4096, pod: 12 * 1024 };
/** How much of a log stands in for the words that are missing. */
const LOG_MAX = { bytes: 2048, lines: 80 };

/** Where a container writes its last words. */
export function terminationPath(spec: Pick<Container, "terminationMessagePath">): string {
  return spec.terminationMessagePath || DEFAULT_PATH;
}

/**
 * The folder of the last words inside of the container, unless a mount holds it already.
 *
 * Touches nothing.
 */
export function terminationFolder(
  spec: Pick<Container, "terminationMessagePath">,
  mounts: readonly ContainerMount[],
): string | undefined {
  const path = terminationPath(spec);
  const folder = path.slice(0, path.lastIndexOf("/"));
  if (!path.startsWith("/") || folder === "") return undefined;
  return mounts.some(({ guestPath }) => isIn(folder, guestPath)) ? undefined : folder;
}

/** What {@linkcode terminationMessage} looks at. */
export interface LastWords {
  readonly pod: Pod;
  readonly spec: Container;
  readonly run: ContainerRun;
  readonly failed: boolean;
}

/**
 * The last words of a run that has ended: the end of its file, or of its log where that stands in for it.
 * Empty if there are none, or if something else is in their place: a guest may have put a link there, and
 * nothing outside of its own files is ever read for it.
 */
export async function terminationMessage({ pod, spec, run, failed }: LastWords): Promise<string> {
  const words = await readEnd(run, terminationPath(spec)).catch(() => "");
  const stand = failed && spec.terminationMessagePolicy === "FallbackToLogsOnError";
  const text = words === "" && stand ? await endOfLog(run) : words;
  return lastBytes(text, bytesMax(pod));
}

function bytesMax({ spec }: Pod): number {
  const count = (spec?.containers?.length ?? 0) + (spec?.initContainers?.length ?? 0) +
    (spec?.ephemeralContainers?.length ?? 0);
  return Math.min(BYTES_MAX.container, Math.floor(BYTES_MAX.pod / Math.max(1, count)));
}

async function readEnd(run: ContainerRun, path: string): Promise<string> {
  const [mount] = run.mounts.filter(({ guestPath }) => isIn(path, guestPath))
    .toSorted((a, b) => b.guestPath.length - a.guestPath.length);
  // Taken at its word, which has no link in it: a guest may have put one there since.
  const base = mount?.hostPath ?? run.rootPath;
  const rest = mount === undefined || mount.guestPath === "/"
    ? path
    : path.slice(mount.guestPath.length);
  await using held = await hold(`${base}${rest}`);
  if (held.kind !== "file" || !held.path.startsWith(`${base}/`)) return "";
  await using file = await held.openFile();
  const { size } = await file.stat();
  const buffer = new Uint8Array(BYTES_MAX.container);
  const { bytesRead } = await file.read(buffer, {
    position: Math.max(0, size - buffer.length),
  });
  return new TextDecoder().decode(buffer.subarray(0, bytesRead));
}

async function endOfLog({ logPath }: ContainerRun): Promise<string> {
  const at = logPath.lastIndexOf("/");
  const options = {
    dir: logPath.slice(0, at),
    attempt: Number.parseInt(logPath.slice(at + 1)),
    tailLines: LOG_MAX.lines,
  };
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of readLog(options)) {
    text = lastBytes(text + decoder.decode(bytes, { stream: true }), LOG_MAX.bytes);
  }
  return text;
}

/** The end of a text, at most so many bytes of UTF-8, without half a character. */
function lastBytes(text: string, bytesMax: number): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= bytesMax) return text;
  let from = bytes.length - bytesMax;
  while ((bytes[from]! & 0xc0) === 0x80) from++;
  return new TextDecoder().decode(bytes.subarray(from));
}

function isIn(path: string, folder: string): boolean {
  return folder === "/" || path === folder || path.startsWith(`${folder}/`);
}
