import assert from "node:assert/strict";
import { judgeRequests, type SigningRequest } from "./judge_requests.ts";

const NOW_MS = Date.UTC(2026, 0, 1, 12);
const ASKED = { username: "system:node:w", nowMs: NOW_MS };
const SERVING = "kubernetes.io/kubelet-serving";

function request(
  name: string,
  status: SigningRequest["status"],
  { minutesAgo = 10, signerName = SERVING, username = ASKED.username } = {},
): SigningRequest {
  const creationTimestamp = new Date(NOW_MS - minutesAgo * 60_000).toISOString();
  return {
    metadata: { name, creationTimestamp },
    spec: { signerName, username },
    ...(status === undefined ? {} : { status }),
  };
}

const APPROVED = { type: "Approved", status: "True" };
const ISSUED = { conditions: [APPROVED], certificate: "LS0t" };

function states(...requests: SigningRequest[]): string[] {
  return judgeRequests(requests, ASKED).map(({ state, advice = "" }) => `${state} ${advice}`);
}

Deno.test("judgeRequests() is content with no requests, issued ones, and those of others", () => {
  assert.deepEqual(states(), ["ok "]);
  assert.deepEqual(states(request("a", ISSUED)), ["ok "]);
  assert.deepEqual(states(request("a", undefined, { username: "system:node:v" })), ["ok "]);
});

Deno.test("judgeRequests() says how to approve what waits", () => {
  assert.deepEqual(states(request("w-tls-1", {})), ["warn kubectl certificate approve w-tls-1"]);
  const unsaid = { conditions: [{ type: "Denied", status: "False" }] };
  assert.deepEqual(states(request("w-tls-2", unsaid)), [
    "warn kubectl certificate approve w-tls-2",
  ]);
});

Deno.test("judgeRequests() tells a refusal with its reason", () => {
  const denied = { type: "Denied", reason: "Nobody", message: "not today" };
  const [finding] = judgeRequests([request("a", { conditions: [denied] })], ASKED);
  assert.equal(finding?.state, "fail");
  assert.match(finding?.message ?? "", /"a" of signer "\S+" was denied \(Nobody: not today\)/);
  const failed = { type: "Failed", reason: "SignerValidationFailure" };
  const [failure] = judgeRequests([request("a", { conditions: [APPROVED, failed] })], ASKED);
  assert.match(failure?.message ?? "", /failed \(SignerValidationFailure\)/);
});

Deno.test("judgeRequests() gives the signer a minute", () => {
  const approvedAgo = (seconds: number): SigningRequest =>
    request("a", {
      conditions: [{
        ...APPROVED,
        lastTransitionTime: new Date(NOW_MS - seconds * 1_000).toISOString(),
      }],
    });
  assert.deepEqual(states(approvedAgo(10)), ["ok "]);
  const [finding] = judgeRequests([approvedAgo(120)], ASKED);
  assert.equal(finding?.state, "fail");
  assert.match(finding?.message ?? "", /nobody signs it/);
});

Deno.test("judgeRequests() looks at the newest request of each signer only", () => {
  const denied = { conditions: [{ type: "Denied" }] };
  const old = request("old", denied, { minutesAgo: 60 });
  assert.deepEqual(states(old, request("new", ISSUED)), ["ok "]);
  assert.deepEqual(states(request("new", ISSUED), old), ["ok "]);
  const client = request("c", {}, { signerName: "kubernetes.io/kube-apiserver-client-kubelet" });
  assert.deepEqual(states(request("s", {}), client), [
    "warn kubectl certificate approve s",
    "warn kubectl certificate approve c",
  ]);
});
