/**
 * CommonJS packages that are imported when they are needed, in a bundle.
 *
 * @module
 */
import { basename } from "node:path";

/** How the bundler writes a CommonJS package as a file of its own: one export, whatever the package has. */
const LONE_DEFAULT = /(?:^|;)export default [\w$]+\(\);/m;
const OTHER_EXPORT = /(?:^|;)export\s*\{/m;

/**
 * Gives `await import("package")` the package's own names again. The bundler leaves nothing but `default` of
 * a CommonJS package, so that `const { parse } = await import("yaml")` would find nothing.
 */
export function nameCjsImports(files: ReadonlyMap<string, string>): Map<string, string> {
  const lone = new Set(
    [...files].filter(([, text]) => LONE_DEFAULT.test(text) && !OTHER_EXPORT.test(text))
      .map(([path]) => basename(path)),
  );
  const named = (text: string): string =>
    text.replace(
      /\bimport\("(\.{1,2}\/[^"]+)"\)/g,
      (call, target: string) =>
        lone.has(basename(target)) ? `${call}.then(({default:d})=>({...d,default:d}))` : call,
    );
  return new Map([...files].map(([path, text]) => [path, named(text)]));
}
