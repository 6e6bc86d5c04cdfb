import assert from "node:assert/strict";
import { decodePem, encodePem } from "./pem.ts";

Deno.test("decodePem() reads what encodePem() wrote, between other words", () => {
  const der = crypto.getRandomValues(new Uint8Array(200));
  const text = `subject=someone\n${encodePem("CERTIFICATE", der)}more\n${encodePem("X Y", der)}`;
  assert.deepEqual(decodePem(text), [{ label: "CERTIFICATE", der }, { label: "X Y", der }]);
  assert.ok(text.split("\n").every((line) => line.length <= 64));
});

Deno.test("decodePem() accepts the line ends of Windows", () => {
  const text = encodePem("A", Uint8Array.of(1, 2, 3)).replaceAll("\n", "\r\n");
  assert.deepEqual(decodePem(text), [{ label: "A", der: Uint8Array.of(1, 2, 3) }]);
});

Deno.test("decodePem() refuses a torn block and a block that is not base64", () => {
  const text = encodePem("A", new Uint8Array(100));
  assert.throws(() => decodePem(text.slice(0, -20)), /"A": it does not end/);
  assert.throws(() => decodePem(text.replace("AAA", "A*A")), /"A": it is not base64/);
  assert.deepEqual(decodePem(""), []);
});
