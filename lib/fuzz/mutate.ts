/**
 * Changes that turn what is right into what nobody has thought of. For tests only.
 *
 * @module
 */
import type { Random } from "./random.ts";

/** Texts that readers of text have tripped over. */
const ODD_TEXTS = [
  ..."\0\n\r\t\u001b\u007f\u0085\u00ad\u200b\u202e\u2028\ufeff\uffff\ud800\udfff",
  ..."ü\u0308İıſK１。％…\\\"'`=,;:@/#?&%+*~^$[]{}<> ",
  "🦀",
  "..",
  "//",
  "/../",
  "%2e%2e",
  "xn--",
  "__proto__",
  "constructor",
  "99999999999999999999",
  "-1",
  "0x7f.1",
  "a".repeat(300),
  "..%00".repeat(60),
];

/** The text with up to three changes. `others` are texts to take pieces from. */
export function mutateText(random: Random, text: string, others: readonly string[]): string {
  for (let left = 1 + random.below(3); left > 0; left--) text = changed(random, text, others);
  return text;
}

function changed(random: Random, text: string, others: readonly string[]): string {
  const at = random.below(text.length + 1);
  const end = Math.min(text.length, at + 1 + random.below(random.once(4) ? 40 : 3));
  const [head, middle, tail] = [text.slice(0, at), text.slice(at, end), text.slice(end)];
  switch (random.below(9)) {
    case 0:
      return head + tail;
    case 1:
      return head;
    case 2:
      return head + middle + middle + tail;
    case 3:
      return head + random.of(ODD_TEXTS) + middle + tail;
    case 4:
      return head + random.of(ODD_TEXTS) + tail;
    case 5:
      return head + String.fromCharCode(random.below(random.once(3) ? 0x10000 : 0x80)) + tail;
    case 6: {
      const other = random.of(others);
      return head + other.slice(random.below(other.length + 1));
    }
    case 7:
      return head + middle.toUpperCase() + tail;
    default:
      return head + middle.repeat(1 + random.below(random.once(20) ? 500 : 4)) + tail;
  }
}

/** Changes up to four bytes in place: one bit, or the whole byte. Answers where. */
export function mutateBytes(random: Random, bytes: Uint8Array): number[] {
  if (bytes.length === 0) return [];
  return random.list(1, 4, () => {
    const at = random.below(bytes.length);
    bytes[at] = random.once(2) ? bytes[at]! ^ (1 << random.below(8)) : random.of(ODD_BYTES);
    return at;
  });
}

const ODD_BYTES = [0, 1, 0x20, 0x2e, 0x2f, 0x30, 0x37, 0x39, 0x7f, 0x80, 0xbf, 0xc0, 0xfe, 0xff];
