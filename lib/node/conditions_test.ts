import assert from "node:assert/strict";
import { describeConditions, type Pressure, sameConditions } from "./conditions.ts";

const CALM: ReadonlySet<Pressure> = new Set();

Deno.test("describeConditions() speaks a kubelet's words when all is well", () => {
  const conditions = describeConditions({
    pressures: CALM,
    readiness: { ready: true },
    previous: [],
    nowMs: 0,
  });
  const times = {
    lastHeartbeatTime: "1970-01-01T00:00:00Z",
    lastTransitionTime: "1970-01-01T00:00:00Z",
  };
  assert.deepEqual(conditions, [
    {
      type: "MemoryPressure",
      status: "False",
      reason: "KubeletHasSufficientMemory",
      message: "kubelet has sufficient memory available",
      ...times,
    },
    {
      type: "DiskPressure",
      status: "False",
      reason: "KubeletHasNoDiskPressure",
      message: "kubelet has no disk pressure",
      ...times,
    },
    {
      type: "PIDPressure",
      status: "False",
      reason: "KubeletHasSufficientPID",
      message: "kubelet has sufficient PID available",
      ...times,
    },
    {
      type: "Ready",
      status: "True",
      reason: "KubeletReady",
      message: "kubelet is posting ready status",
      ...times,
    },
  ]);
});

Deno.test("describeConditions() keeps the time of a transition until the status changes", () => {
  const facts = { pressures: CALM, readiness: { ready: true } as const };
  const first = describeConditions({ ...facts, previous: [], nowMs: 0 });
  const second = describeConditions({ ...facts, previous: first, nowMs: 60_000 });
  assert.equal(second[3]!.lastTransitionTime, "1970-01-01T00:00:00Z");
  assert.equal(second[3]!.lastHeartbeatTime, "1970-01-01T00:01:00Z");
  const third = describeConditions({
    pressures: new Set<Pressure>(["disk"]),
    readiness: { ready: false, message: "node is shutting down" },
    previous: second,
    nowMs: 120_000,
  });
  assert.equal(third[0]!.lastTransitionTime, "1970-01-01T00:00:00Z");
  assert.equal(third[1]!.reason, "KubeletHasDiskPressure");
  assert.equal(third[3]!.lastTransitionTime, "1970-01-01T00:02:00Z");
  assert.equal(third[3]!.reason, "KubeletNotReady");
  assert.equal(third[3]!.message, "node is shutting down");
  assert.equal(sameConditions(first, second), true);
  assert.equal(sameConditions(second, third), false);
});

Deno.test("describeConditions() tells how the renewal of certificates goes, before Ready", () => {
  const facts = { pressures: CALM, readiness: { ready: true }, previous: [], nowMs: 0 } as const;
  const fine = describeConditions({ ...facts, renewal: { trouble: undefined } });
  assert.deepEqual(fine.slice(-2).map(({ type, status }) => `${type}=${status}`), [
    "CertificatesExpiring=False",
    "Ready=True",
  ]);
  const [bad] = describeConditions({ ...facts, renewal: { trouble: "it was denied" } }).slice(-2);
  assert.deepEqual([bad?.status, bad?.reason, bad?.message], [
    "True",
    "CertificateRenewalFailed",
    "it was denied",
  ]);
});
