/**
 * The page `/logs/`: files of this machine's log folder, for whoever may get `nodes/log`.
 *
 * @module
 */
import { join, sep } from "node:path";
import type { Page, PageAnswer } from "./pages.ts";

/** Where a machine's programs write what they have to say. */
export const SYSTEM_LOGS = "/var/log";

/** A folder with more names is shown in part. */
const NAMES_MAX = 10_000;

/** The page of a node that does not show them; a kubelet's words. */
export const disabledLogsPage: Page = () => ({
  status: 405,
  contentType: "text/plain; charset=utf-8",
  body: "logs endpoint is disabled.\n",
});

/**
 * Shows folders and files below `root`. A link is followed as long as it stays below; what is not a
 * regular file is not there.
 */
export function systemLogsPage(root: string = SYSTEM_LOGS): Page {
  return async ({ rest }): Promise<PageAnswer> => {
    const names = rest.filter((name) => name !== "");
    if (names.some((name) => name === "." || name === ".." || /[/\\\0]/.test(name))) {
      return NOT_FOUND;
    }
    try {
      const top = await Deno.realPath(root);
      const wanted = join(top, ...names);
      const real = await Deno.realPath(wanted);
      if (real !== top && !real.startsWith(top + sep)) return NOT_FOUND;
      const { isDirectory, isFile } = await Deno.lstat(real);
      if (isDirectory) return await folderPage(real);
      return isFile ? await filePage(real) : NOT_FOUND;
    } catch (error) {
      if (isOfNothing(error)) return NOT_FOUND;
      if (error instanceof Deno.errors.PermissionDenied) {
        return { ...NOT_FOUND, status: 403, body: "Forbidden\n" };
      }
      throw error;
    }
  };
}

/** No such file, a name that no file can have, and links that lead nowhere. */
function isOfNothing(error: unknown): boolean {
  const { NotFound, NotADirectory, FilesystemLoop } = Deno.errors;
  if ([NotFound, NotADirectory, FilesystemLoop].some((kind) => error instanceof kind)) return true;
  return error instanceof Error && "code" in error && error.code === "ENAMETOOLONG";
}

const NOT_FOUND: PageAnswer = {
  status: 404,
  contentType: "text/plain; charset=utf-8",
  body: "404 page not found\n",
};

async function folderPage(path: string): Promise<PageAnswer> {
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(path)) {
    if (names.push(isDirectory ? `${name}/` : name) >= NAMES_MAX) break;
  }
  const links = names.sort().map((name) =>
    `<a href="./${encodeURIComponent(name).replace(/%2F$/, "/")}">${escapeHtml(name)}</a>\n`
  );
  return { contentType: "text/html; charset=utf-8", body: `<pre>\n${links.join("")}</pre>\n` };
}

/** The file may have been exchanged since it was looked at: what was opened is looked at again. */
async function filePage(path: string): Promise<PageAnswer> {
  const file = await Deno.open(path);
  try {
    const [opened, now] = [await file.stat(), await Deno.lstat(path)];
    const same = opened.isFile && now.isFile && opened.ino === now.ino && opened.dev === now.dev;
    if (!same || await Deno.realPath(path) !== path) throw new Deno.errors.NotFound(path);
  } catch (error) {
    file.close();
    throw error;
  }
  return { contentType: "text/plain; charset=utf-8", body: file.readable };
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
