import assert from "node:assert/strict";
import { type CertificateFacts, judgeCertificate } from "./judge_certificate.ts";

const DAY_MS = 86_400_000;
const FACTS: CertificateFacts = {
  file: "/c/krustlet.crt",
  notBeforeMs: 0,
  notAfterMs: 100 * DAY_MS,
  missing: [],
  renewed: true,
};

function judge(
  day: number,
  facts: Partial<CertificateFacts> | "none" = {},
  { kind = "serving", canBootstrap = false }: {
    kind?: "client" | "serving";
    canBootstrap?: boolean;
  } = {},
): string {
  const { check, state, message, advice = "" } = judgeCertificate(
    facts === "none" ? undefined : { ...FACTS, ...facts },
    { kind, nowMs: day * DAY_MS, canBootstrap },
  );
  assert.equal(check, `${kind}-certificate`);
  return `${state}: ${message}: ${advice}`;
}

Deno.test("judgeCertificate() says how long it is good for", () => {
  assert.match(judge(50), /^ok: certificate "\S+" is good for 50 days, until 1970-04-11/);
  assert.match(judge(99.5, { notBeforeMs: 98 * DAY_MS }), /^ok: .* good for 12 hours,/);
  assert.match(judge(100 - 1 / 1440, { notBeforeMs: 99.999 * DAY_MS }), /good for 60 seconds,/);
});

Deno.test("judgeCertificate() warns when a renewal is late, or nobody's here", () => {
  assert.match(judge(91), /^warn: .*its renewal is late/);
  assert.match(judge(91, { renewed: false }), /^warn: .*put another one in its place/);
});

Deno.test("judgeCertificate() fails one that has ended, or has not begun", () => {
  assert.match(judge(100), /^fail: .*has ended at .*: start the agent: it asks for another one/);
  const client = { kind: "client" } as const;
  assert.match(judge(101, {}, client), /make a bootstrap file with: krustlet bootstrap$/);
  assert.match(judge(101, {}, { ...client, canBootstrap: true }), /it bootstraps again/);
  assert.match(judge(-1), /^fail: .*is not valid before 1970-01-01.*: set this machine's clock/);
});

Deno.test("judgeCertificate() warns of names that are missing", () => {
  assert.match(judge(50, { missing: ["w", "10.0.0.7"] }), /^warn: .*lacks "w", "10\.0\.0\.7"/);
});

Deno.test("judgeCertificate() knows that there may be none yet", () => {
  assert.match(judge(1, "none"), /^warn: there is no serving certificate yet/);
  assert.match(judge(1, "none", { kind: "client" }), /^ok: .*speaks by a token/);
  assert.match(judge(1, "none", { kind: "client", canBootstrap: true }), /^ok: .*asks for it/);
});
