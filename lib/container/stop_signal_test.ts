import assert from "node:assert/strict";
import { endsAtOnce } from "./stop_signal.ts";

Deno.test("endsAtOnce() heeds the container's own signal before its image's", () => {
  const own = { lifecycle: { stopSignal: "SIGKILL" } };
  const term = { lifecycle: { stopSignal: "SIGTERM" } };
  assert.equal(endsAtOnce({}, {}), false);
  assert.equal(endsAtOnce(own, {}), true);
  assert.equal(endsAtOnce({}, { stopSignal: "SIGKILL" }), true);
  assert.equal(endsAtOnce(own, { stopSignal: "SIGINT" }), true);
  assert.equal(endsAtOnce(term, { stopSignal: "SIGKILL" }), false);
  assert.equal(endsAtOnce({ lifecycle: {} }, { stopSignal: "SIGKILL" }), true);
});

Deno.test("endsAtOnce() knows the signal by each name that images have for it, and by no other", () => {
  for (const stopSignal of ["SIGKILL", "KILL", "sigkill", "9"]) {
    assert.equal(endsAtOnce({}, { stopSignal }), true, stopSignal);
  }
  for (const stopSignal of ["", "SIGTERM", "15", "SIGSTOP", "19", "SIGKILLS", "99", "KILL 9"]) {
    assert.equal(endsAtOnce({}, { stopSignal }), false, stopSignal);
  }
});
