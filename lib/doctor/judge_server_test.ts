import assert from "node:assert/strict";
import { judgeClock, judgeIdentity, judgeVersion } from "./judge_server.ts";

for (
  const [server, state] of [
    ["v1.36.3", "ok"],
    ["v1.36.0+k3s1", "ok"],
    ["v1.37.0-rc.1", "ok"],
    ["v1.39.2", "ok"],
    ["v1.40.0", "warn"],
    ["v1.35.9", "warn"],
    ["v2.0.0", "warn"],
    ["", "warn"],
    [undefined, "warn"],
  ] as const
) {
  Deno.test(`judgeVersion() of ${server} is ${state} for a node of 1.36`, () => {
    const finding = judgeVersion(server, "1.36.0");
    assert.equal(finding.state, state, finding.message);
    assert.equal(finding.advice === undefined, state === "ok");
  });
}

const NOW_MS = Date.UTC(2026, 0, 1);

/** A reading of a server whose clock is so far from ours, with a request that took 200 ms. */
function reading(offMs: number): Parameters<typeof judgeClock>[0] {
  const serverMs = Math.floor((NOW_MS + 100 + offMs) / 1_000) * 1_000;
  return { serverMs, sentMs: NOW_MS, cameMs: NOW_MS + 200 };
}

for (
  const [offMs, state, words] of [
    [0, "ok", /is that of the API server/],
    [900, "ok", /is that of the API server/],
    [-900, "ok", /is that of the API server/],
    [20_000, "ok", /20 s behind/],
    [60_000, "warn", /60 s behind/],
    [-60_000, "warn", /5\d s ahead of|60 s ahead of/],
    [600_000, "fail", /600 s behind/],
    [-600_000, "fail", /s ahead of/],
  ] as const
) {
  Deno.test(`judgeClock() of a server that is ${offMs / 1_000} s off is ${state}`, () => {
    const finding = judgeClock(reading(offMs));
    assert.equal(finding.state, state);
    assert.match(finding.message, words);
  });
}

Deno.test("judgeClock() takes no slow answer for a wrong clock, and knows that it may not know", () => {
  const slow = { serverMs: NOW_MS + 50_000, sentMs: NOW_MS, cameMs: NOW_MS + 60_000 };
  assert.equal(judgeClock(slow).state, "ok");
  assert.equal(judgeClock(undefined).state, "warn");
});

Deno.test("judgeIdentity() wants this node, tells another one's name, and minds persons", () => {
  const node = { nodeName: "w", as: "node" } as const;
  const groups = ["system:nodes", "system:authenticated"];
  assert.equal(judgeIdentity({ username: "system:node:w", groups }, node).state, "ok");
  assert.equal(judgeIdentity({ username: "system:node:w", groups: [] }, node).state, "fail");
  const other = judgeIdentity({ username: "system:node:v", groups }, node);
  assert.equal(other.state, "fail");
  assert.match(other.advice ?? "", /--node-name v,/);
  const admin = judgeIdentity({ username: "admin", groups: ["system:masters"] }, node);
  assert.equal(admin.state, "warn");
  assert.match(admin.message, /"admin", not as "system:node:w"/);
});

Deno.test("judgeIdentity() wants a bootstrap token before the node has joined", () => {
  const joining = { nodeName: "w", as: "bootstrap" } as const;
  const token = { username: "system:bootstrap:abcdef", groups: ["system:bootstrappers"] };
  assert.equal(judgeIdentity(token, joining).state, "ok");
  assert.equal(judgeIdentity({ username: "admin", groups: [] }, joining).state, "warn");
});
