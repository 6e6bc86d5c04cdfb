/**
 * A release that can be downloaded, as far as the documentation's own commands see.
 *
 * @module
 */
import { join } from "node:path";
import { tempFolder } from "../harness/temp_folder.ts";
import { runTool } from "../parts/run.ts";
import { ROOT } from "./page.ts";

let made: Promise<string> | undefined;

/** The folder with the files of this version's release for this platform; it goes with this process. */
export function release(): Promise<string> {
  return made ??= (async () => {
    const { path } = await tempFolder();
    const script = join(ROOT, "scripts/package/mod.ts");
    await runTool([Deno.execPath(), "run", "-A", script, `--out=${path}`, "--target=linux-amd64"], {
      cwd: ROOT,
    });
    return path;
  })();
}

/** A `curl` that knows the project's own files by their public addresses, and nothing else. */
export function downloader(release: string): string {
  return `
for word; do [ "$before" = -o ] && out=$word; before=$word; url=$word; done
path=\${url#https://*/krustlet/krustlet/}
case $url in
  https://raw.githubusercontent.com/krustlet/krustlet/v*) file='${ROOT}'/\${path#v*/} ;;
  https://github.com/krustlet/krustlet/releases/download/v*) file='${release}'/\${url##*/} ;;
  *) echo "The tests know no $url" >&2; exit 6 ;;
esac
cp "$file" "\${out:-\${url##*/}}"`;
}
