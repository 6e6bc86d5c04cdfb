import assert from "node:assert/strict";
import { type Challenge, parseChallenge } from "./challenge.ts";

const CASES: readonly (readonly [string, Challenge | undefined])[] = [
  [
    'Bearer realm="https://auth.example/token",service="r.io",scope="repository:a:pull"',
    {
      scheme: "bearer",
      realm: "https://auth.example/token",
      service: "r.io",
      scope: "repository:a:pull",
    },
  ],
  ['bearer realm="https://a/t"', { scheme: "bearer", realm: "https://a/t" }],
  ["Bearer realm=https://a/t , service=x", {
    scheme: "bearer",
    realm: "https://a/t",
    service: "x",
  }],
  [
    'Basic realm="r", Bearer realm="https://a/t",scope="repository:a,b:pull"',
    { scheme: "bearer", realm: "https://a/t", scope: "repository:a,b:pull" },
  ],
  ['Bearer realm="say \\"hi\\""', { scheme: "bearer", realm: 'say "hi"' }],
  ['Basic realm="Registry Realm"', { scheme: "basic" }],
  ["Basic", { scheme: "basic" }],
  ["Negotiate, Basic realm=x", { scheme: "basic" }],
  ["Negotiate oYH/+zCB==, Basic realm=x", { scheme: "basic" }],
  ["Negotiate abc=, Bearer realm=t", { scheme: "bearer", realm: "t" }],
  ["Negotiate Basic", undefined],
  ["Bearer", undefined],
  ["Negotiate", undefined],
  ["", undefined],
  [`Basic realm="${"x".repeat(9000)}"`, undefined],
];

for (const [header, challenge] of CASES) {
  Deno.test(`parseChallenge() reads ${header.slice(0, 70) || "nothing"}`, () => {
    assert.deepEqual(parseChallenge(header), challenge);
  });
}
