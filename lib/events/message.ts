/**
 * What an event's message may hold.
 *
 * @module
 */

/** Bytes of a message: the API server refuses more than 1024. */
const MESSAGE_BYTES_MAX = 1_024;

/** Cuts a message to what the API server takes, between two characters, with `…` behind it. */
export function cutMessage(message: string): string {
  // No character is less than a byte: the rest of a huge text need not even be looked at.
  const bytes = new TextEncoder().encode(message.slice(0, MESSAGE_BYTES_MAX + 1));
  if (bytes.length <= MESSAGE_BYTES_MAX) return message;
  const text = new TextDecoder().decode(bytes.subarray(0, MESSAGE_BYTES_MAX - 4));
  return `${text.replace(/\uFFFD+$/, "")}…`;
}
