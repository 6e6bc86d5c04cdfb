import assert from "node:assert/strict";
import { planSmite, type Remains, signOfLife } from "./plan.ts";

const NOW_MS = Date.parse("2026-01-01T00:10:00Z");
const NOTHING: Remains = { node: undefined, lease: undefined, pods: [], requests: [] };

Deno.test("signOfLife() believes a heartbeat, and a node that is Ready", () => {
  const lease = (renewTime: string): Remains => ({ ...NOTHING, lease: { spec: { renewTime } } });
  assert.equal(signOfLife(NOTHING, NOW_MS), undefined);
  assert.match(signOfLife(lease("2026-01-01T00:09:30.000000Z"), NOW_MS)!, /30 s old/);
  assert.match(signOfLife(lease("2026-01-01T00:11:00.000000Z"), NOW_MS)!, /0 s old/);
  assert.equal(signOfLife(lease("2026-01-01T00:09:00.000000Z"), NOW_MS), undefined);
  const node = (status: "True" | "Unknown"): Remains => ({
    ...NOTHING,
    node: { status: { conditions: [{ type: "Ready", status }] } },
  });
  assert.match(signOfLife(node("True"), NOW_MS)!, /Ready/);
  assert.equal(signOfLife(node("Unknown"), NOW_MS), undefined);
});

Deno.test("planSmite() names the node first, and no request of others", () => {
  const plan = planSmite("gone", {
    node: { metadata: { name: "gone", uid: "n" } },
    lease: { metadata: { name: "gone", uid: "l" } },
    pods: [{ metadata: { namespace: "a", name: "web", uid: "p" } }],
    requests: [
      request("own", "system:node:gone"),
      request("other", "system:node:gone2"),
      request("boot", "system:bootstrap:abcdef"),
    ],
  });
  assert.deepEqual(plan.map(({ what, force, uid }) => [what, force, uid]), [
    ["node gone", false, "n"],
    ["pod a/web", true, "p"],
    ["certificate request own", false, "own"],
    ["lease gone", false, "l"],
  ]);
  assert.deepEqual(planSmite("gone", NOTHING), []);
});

function request(name: string, username: string): Remains["requests"][number] {
  return { metadata: { name, uid: name }, spec: { request: "", signerName: "s", username } };
}
