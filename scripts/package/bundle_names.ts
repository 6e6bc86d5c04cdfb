/** What the bundler calls a file that several others share: a word, and a hash of what is in it. */
const SHARED_FILE = /\b[\w-]+-[A-Z0-9]{8}\.js\b/g;
/** A module of an npm package, in the cache of whoever bundles. */
const CACHED_MODULE = /(?:\.\.\/)+[^\s"'`]*?\/npm\/[^\s"'`/]+\/(?=[^\s"'`]+\/\d)/g;

/**
 * The same bundle whoever makes it, and wherever: its comments name modules of packages without the cache
 * that they came from, and its shared files have numbers in the place of hashes, in the order in which
 * `entries` and their imports lead to them. Those that nothing leads to are left out: the bundler writes a file for
 * each late import, also of code that it then finds unused.
 */
export function withoutMachine(
  files: ReadonlyMap<string, string>,
  entries: readonly string[],
): ReadonlyMap<string, string> {
  const numbered = numbersOf(files, entries);
  const rename = (text: string): string =>
    text.replace(SHARED_FILE, (name) => numbered.get(name) ?? name);
  const used = [...files].filter(([path]) =>
    entries.includes(path) || numbered.has(baseName(path))
  );
  return new Map(
    used.map(([path, text]) =>
      [rename(path), rename(text.replace(CACHED_MODULE, "npm/"))] as const
    ),
  );
}

function numbersOf(
  files: ReadonlyMap<string, string>,
  entries: readonly string[],
): ReadonlyMap<string, string> {
  const byName = new Map([...files].map(([path, text]) => [baseName(path), text]));
  const numbered = new Map<string, string>();
  const queue = entries.map((path) => files.get(path) ?? "");
  for (let text = queue.shift(); text !== undefined; text = queue.shift()) {
    for (const [name] of text.matchAll(SHARED_FILE)) {
      const found = byName.get(name);
      if (found === undefined || numbered.has(name)) continue;
      numbered.set(name, `${name.replace(/-[A-Z0-9]{8}\.js$/, "")}-${numbered.size + 1}.js`);
      queue.push(found);
    }
  }
  return numbered;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
