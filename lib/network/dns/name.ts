/**
 * Names of the Domain Name System, as the labels that they are made of.
 *
 * @module
 */

/**
 * The labels of a name from the left, each with a character for a byte (U+0000 to U+00FF), so that
 * nothing is lost of what somebody sends. None of them: the root.
 */
export type Labels = readonly string[];

/** Bytes of a label (RFC 1035, 2.3.4). */
export const LABEL_BYTES_MAX = 63;
/** Bytes of a name, with the lengths of its labels and the end (RFC 1035, 2.3.4). */
export const NAME_BYTES_MAX = 255;

/** The labels of a name that is written with dots, in lower case; undefined if it is no name. */
export function parseName(text: string): Labels | undefined {
  const plain = text.endsWith(".") ? text.slice(0, -1) : text;
  if (plain === "") return text === "." ? [] : undefined;
  // Visible ASCII: what is not has another form on the wire (RFC 5891), which programs make themselves.
  if (!/^[!-~]+$/.test(plain)) return undefined;
  const labels = plain.toLowerCase().split(".");
  const fits = labels.every((label) => label !== "" && label.length <= LABEL_BYTES_MAX);
  return fits && nameBytes(labels) <= NAME_BYTES_MAX ? labels : undefined;
}

/** A name as text, without a last dot; the root is empty. A dot inside of a label is written `\.`. */
export function formatName(labels: Labels): string {
  return labels.map((label) => label.replace(/[.\\]/g, "\\$&")).join(".");
}

/** Bytes that a name has on the wire, if nothing of it was said before. */
export function nameBytes(labels: Labels): number {
  return labels.reduce((sum, label) => sum + 1 + label.length, 1);
}

/** What is left of a name in front of these last labels; undefined if it does not end in them. */
export function within(labels: Labels, zone: Labels): Labels | undefined {
  const at = labels.length - zone.length;
  if (at < 0) return undefined;
  return zone.every((label, index) => sameLabel(labels[at + index]!, label))
    ? labels.slice(0, at)
    : undefined;
}

/** Letters of ASCII are the same in both cases, all else is not (RFC 4343). */
export function lowerLabels(labels: Labels): Labels {
  return labels.map(lower);
}

function sameLabel(one: string, other: string): boolean {
  return lower(one) === lower(other);
}

function lower(label: string): string {
  return label.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
