/**
 * Names of files that Windows cannot have, or takes for others. Pure, so that every system tests it.
 *
 * @module
 */

/** Two names that are one for a file system which does not tell case or Unicode forms apart. */
export function foldedName(name: string): string {
  return name.normalize("NFC").toLowerCase();
}

/** False for devices, drives, other streams of a file, wildcards, and other spellings of a name. */
export function isWindowsName(name: string): boolean {
  return !/[\\:*?"<>|]|[. ]$/.test(name) && ![...name].some((char) => char < " ") &&
    !/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(name);
}
