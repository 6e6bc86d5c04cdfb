/**
 * The header of a 401: right ones in every form, damaged ones, and soup.
 */
import assert from "node:assert/strict";
import { type Challenge, parseChallenge } from "../oci/challenge.ts";
import { mutateText } from "../../fuzz/mutate.ts";
import type { Random } from "../../fuzz/random.ts";
import { assertAllSaid, runCases } from "../../fuzz/run_cases.ts";
import { casesOf } from "../../fuzz/settings.ts";
import { strictChallenge } from "./strict_challenge.ts";

const CASES = casesOf(5_000);
/** A header that this is written back to may be longer than the one that was read. */
const HEADER_CHARS = 8 * 1024;

const SCHEMES = [
  "Bearer",
  "bearer",
  "BEARER",
  "Basic",
  "basic",
  "Negotiate",
  "NTLM",
  "Digest",
  "a!#'",
];
const NAMES = [
  "realm",
  "realm",
  "realm",
  "service",
  "scope",
  "error",
  "Realm",
  "__proto__",
  "constructor",
  "x*",
];
const VALUES = [
  "",
  "https://auth.example/token",
  "http://[::1]:5000/t?x=1,2&y",
  "registry.example",
  "repository:a/b:pull,push",
  'say "hi"',
  "\\",
  '\\"\\,Basic ',
  "Basic realm=x",
  "Bücher",
  "x".repeat(200),
];
const TOKENS68 = ["YWJj", "YII/x+~.==", "a=", "/", "Basic", "Bearer"];

/** A header with one to three challenges, as RFC 9110 has them. */
function makeHeader(random: Random): string {
  const challenges = random.list(1, 3, () => {
    const scheme = random.of(SCHEMES);
    if (random.once(5)) return scheme;
    if (random.once(5)) return `${scheme} ${random.of(TOKENS68)}`;
    const names = random.list(1, 4, () => random.of(NAMES)).filter((name, at, all) =>
      all.findIndex((other) => other.toLowerCase() === name.toLowerCase()) === at
    );
    const parameters = names.map((name) => `${name}${makeBlank(random)}=${makeValue(random)}`);
    return `${scheme} ${parameters.join(makeComma(random))}`;
  });
  return challenges.join(makeComma(random));
}

function makeValue(random: Random): string {
  const value = random.of(VALUES);
  const isToken = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(value);
  const text = isToken && random.once(2)
    ? value
    : `"${value.replace(/["\\]/g, "\\$&").replace(/e/g, (e) => (random.once(8) ? `\\${e}` : e))}"`;
  return makeBlank(random) + text;
}

function makeBlank(random: Random): string {
  return random.once(6) ? random.of([" ", "\t", "  "]) : "";
}

function makeComma(random: Random): string {
  return random.of([",", ", ", " ,\t", ", ,", ",,"]);
}

function makeSoup(random: Random): string {
  return random.list(0, 25, () => random.of(PIECES)).join("");
}

const PIECES = [...SCHEMES, ...NAMES, ...TOKENS68, ...',="\\ \t=,"= ', 'realm="', "=x", "é", "\0"];

/** The one way to write a challenge. */
function format(challenge: Challenge): string {
  if (challenge.scheme === "basic") return "Basic";
  const { realm, service, scope } = challenge;
  const parameters = Object.entries({ realm, service, scope }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}="${value.replace(/["\\]/g, "\\$&")}"`]
  );
  return `Bearer ${parameters.join(",")}`;
}

function check(header: string, challenge: Challenge | undefined): void {
  if (challenge !== undefined) {
    const formatted = format(challenge);
    if (formatted.length <= HEADER_CHARS) assert.deepEqual(parseChallenge(formatted), challenge);
    if (challenge.scheme === "bearer") {
      const plain = header.replaceAll("\\", "");
      for (const value of [challenge.realm, challenge.service ?? "", challenge.scope ?? ""]) {
        assert.ok(plain.includes(value.replaceAll("\\", "")), `${value} is not in the header`);
      }
    }
  }
  const strict = strictChallenge(header);
  if (strict === "malformed" || header.length > HEADER_CHARS) return;
  assert.deepEqual(challenge, strict === "none" ? undefined : strict);
}

type Parse = typeof parseChallenge;

function tryHeader(random: Random, parse: Parse): string {
  const right = makeHeader(random);
  const kind = random.below(8);
  const header = kind < 2
    ? right
    : kind < 7
    ? mutateText(random, right, [makeHeader(random)])
    : makeSoup(random);
  if (kind < 2) assert.notEqual(strictChallenge(header), "malformed", header);
  const challenge = parse(header);
  try {
    check(header, challenge);
  } catch (error) {
    const read = Deno.inspect(challenge);
    throw new Error(`${JSON.stringify(header)} was read as ${read}`, { cause: error });
  }
  return challenge?.scheme ?? "nothing";
}

Deno.test(`parseChallenge() reads what the RFC allows, and nothing into it, ${CASES} times`, async () => {
  const tally = await runCases("challenges", CASES, (random) => tryHeader(random, parseChallenge));
  assertAllSaid(tally, ["bearer", "basic", "nothing"]);
});

const CARELESS: Readonly<Record<string, Parse>> = {
  "leaves backslashes": (header) => parseChallenge(header.replaceAll("\\", "\\\\")),
  "looks into quotes": (header) => parseChallenge(header.replaceAll(/\\"|,Basic/g, '"')),
  "takes the first challenge": (header) => parseChallenge(header.split(", ")[0]!),
};

for (const [name, parse] of Object.entries(CARELESS)) {
  Deno.test(`a reader of challenges that ${name} is found`, async () => {
    const trying = runCases(name, 5_000, (random) => tryHeader(random, parse));
    await assert.rejects(trying, /FUZZ_SEED=/);
  });
}
