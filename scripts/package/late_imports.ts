/** How the bundler writes an import of another file of the bundle that is done when it is needed. */
const LATE_IMPORT = /\bimport\(("\.{1,2}\/[^"]+\.js")\)/g;

/**
 * Keeps the runtime from reading what is imported late before the program starts: it does so wherever it sees the
 * name of a file, and takes all of it apart to see what that imports. A name that is made when it is needed costs
 * nothing before. For a runtime that has the files beside it: `deno compile` has to see their names.
 */
export function importLate(text: string): string {
  return text.replace(LATE_IMPORT, "import(new URL($1, import.meta.url).href)");
}
