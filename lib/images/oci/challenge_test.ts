import assert from "node:assert/strict";
import fc from "fast-check";
import { type Challenge, parseChallenge } from "./challenge.ts";

/** Random cases; `FUZZ_IMAGES` asks for more. */
const RUNS = Number(Deno.env.get("FUZZ_IMAGES") ?? 2_000);

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

Deno.test("parseChallenge() of any header ends with a challenge or undefined", () => {
  const headers = fc.oneof(
    fc.string({ unit: "binary", maxLength: 60 }),
    fc.stringMatching(/^(Bearer|Basic|[a-z]+|[ ,="\\]|realm=){0,20}$/),
  );
  fc.assert(
    fc.property(headers, (header) => {
      const challenge = parseChallenge(header);
      assert.ok(challenge === undefined || ["basic", "bearer"].includes(challenge.scheme));
    }),
    { numRuns: RUNS },
  );
});
