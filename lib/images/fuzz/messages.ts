import assert from "node:assert/strict";

/** Characters of a message: it goes into Events, statuses and logs. Four of a peer's texts and our own. */
const MESSAGE_CHARS_MAX = 2_500;

/** A message for people holds one line, whatever a stranger has put into it, and has an end. */
export function assertTellable(message: string): void {
  assert.doesNotMatch(message, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  assert.ok(message.length <= MESSAGE_CHARS_MAX, `${message.length} characters`);
}
