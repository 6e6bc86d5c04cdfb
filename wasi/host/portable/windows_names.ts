/**
 * Names that mean something else to Windows than to a guest: devices, other streams of a file, and
 * other spellings of a name. Pure, so that every system tests it.
 *
 * @module
 */

/** `CON`, `com1.txt`, `LPT¹`: devices in every directory, whatever follows the first dot. */
const DEVICE = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)/i;

/**
 * True for a name that Windows would take for something else, or cannot have: a device, a separator
 * or drive (`\`, `:`, which also names alternate streams), wildcards and control characters, and an
 * end in a dot or space, which Windows takes off.
 */
export function isStrangeToWindows(name: string): boolean {
  if (name === "." || name === "..") return false;
  const control = [...name].some((letter) => letter < " ");
  return control || /[\\/:*?"<>|]|[. ]$/.test(name) || DEVICE.test(name);
}

/** The target of a link with slashes; one with a drive or share counts as absolute. */
export function linkTargetOfWindows(target: string): string {
  const slashed = target.replaceAll("\\", "/");
  return /^[a-z]:/i.test(slashed) ? `/${slashed}` : slashed;
}
