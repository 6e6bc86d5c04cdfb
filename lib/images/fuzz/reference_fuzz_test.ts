/**
 * Image references: right ones in every form, damaged ones, and soup. What is taken must be what the
 * grammar of the OCI distribution specification and of the distribution project allows.
 */
import assert from "node:assert/strict";
import {
  formatReference,
  InvalidReference,
  parseReference,
  type Reference,
} from "../oci/reference.ts";
import { assertTellable } from "./messages.ts";
import { mutateText } from "../../fuzz/mutate.ts";
import type { Random } from "../../fuzz/random.ts";
import { assertAllSaid, runCases } from "../../fuzz/run_cases.ts";
import { casesOf } from "../../fuzz/settings.ts";

const CASES = casesOf(5_000);

/** OCI distribution specification, "Pulling manifests": `<name>` and `<reference>`. */
const NAME = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
/** OCI image specification, "Digests": the registered algorithms. */
const DIGEST = /^(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;
/** The distribution project's `domain`. */
const DOMAIN =
  /^([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(\.([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*(:[0-9]+)?$|^\[[a-fA-F0-9:]+\](:[0-9]+)?$/;

const LOWER = "abz019";
const HEX = "0123456789abcdef";

interface Written {
  readonly text: string;
  readonly means: Reference;
}

/** A reference in one of the forms in which people write it, and what it stands for. */
function makeReference(random: Random): Written {
  const path = makePath(random);
  const host = makeHost(random);
  const tag = random.once(2) ? undefined : makeTag(random);
  const digest = random.once(2) ? undefined : makeDigest(random);
  // A first part with a dot would be taken for a host.
  const before = host.text === "" && /^[^/]*\..*\//.test(path) ? "docker.io/" : host.text;
  const isHub = host.means === "docker.io";
  const repository = isHub && !path.includes("/") ? `library/${path}` : path;
  return {
    text: `${before}${path}${tag === undefined ? "" : `:${tag}`}${
      digest === undefined ? "" : `@${digest}`
    }`,
    means: {
      registry: host.means,
      repository,
      ...(tag !== undefined ? { tag } : digest === undefined ? { tag: "latest" } : {}),
      ...(digest === undefined ? {} : { digest }),
    },
  };
}

function makeHost(random: Random): { text: string; means: string } {
  if (random.once(3)) {
    return { text: random.of(["", "docker.io/", "index.docker.io/"]), means: "docker.io" };
  }
  const port = random.once(2) ? "" : `:${1 + random.below(65_535)}`;
  const [written, ascii] = random.of(SCRIPTS);
  const host = random.once(3)
    ? random.of(["localhost", "127.0.0.1", "[::1]", "[2001:db8::a:1]", "UPPER"])
    : [...random.list(0, 2, () => makeLabel(random)), "test"].join(".");
  if (!random.once(8)) {
    return host === "test" && port === ""
      ? { text: "x.test/", means: "x.test" }
      : { text: `${host}${port}/`, means: `${host}${port}` };
  }
  return { text: `${written}.test${port}/`, means: `${ascii}.test${port}` };
}

/** Names in other scripts, and what DNS knows them by. */
const SCRIPTS = [["bücher", "xn--bcher-kva"], ["例え", "xn--r8jz45g"], [
  "BÜCHER",
  "xn--bcher-kva",
]] as const;

/** Not four letters long, so that it never begins as a name that is written in ASCII does. */
function makeLabel(random: Random): string {
  const middle = random.once(3) ? random.word(`${LOWER}AZ-`, 0, 1) : "";
  return random.of("abz") + middle + random.of(LOWER);
}

function makePath(random: Random): string {
  return random.list(1, 4, () => {
    const joints = random.list(0, 2, () => random.of([".", "_", "__", "-", "---"]));
    const words = [
      random.word(LOWER, 1, 4),
      ...joints.map((joint) => joint + random.word(LOWER, 1, 4)),
    ];
    return words.join("");
  }).join("/");
}

function makeTag(random: Random): string {
  return random.of("aZ0_") + random.word("aZ0_.-", 0, random.once(20) ? 127 : 8);
}

function makeDigest(random: Random): string {
  return random.once(4)
    ? `sha512:${random.of(HEX).repeat(127)}${random.of(HEX)}`
    : `sha256:${random.of(HEX).repeat(63)}${random.of(HEX)}`;
}

function makeSoup(random: Random): string {
  return random.list(0, 12, () => random.of(PIECES)).join("");
}

const PIECES = [
  ..."abZ019/:@._-[]%",
  "__",
  "//",
  "localhost",
  "docker.io",
  "index.docker.io",
  "library",
  "sha256:",
  "sha512:",
  "0".repeat(64),
  "f".repeat(127),
  "127.0.0.1",
  "[::1]",
  ":5000",
  "bücher.example",
  "xn--",
  "…",
];

/** What was taken is within the grammar, has one form, and leads to the host that is shown. */
function checkTaken(reference: Reference): void {
  const { registry, repository, tag, digest } = reference;
  assert.match(registry, DOMAIN);
  assert.match(repository, NAME);
  assert.ok(repository.length <= 255);
  assert.ok(tag !== undefined || digest !== undefined);
  if (tag !== undefined) assert.match(tag, TAG);
  if (digest !== undefined) assert.match(digest, DIGEST);
  assert.deepEqual(parseReference(formatReference(reference)), reference);
  const url = new URL(`https://${registry}/v2/${repository}/manifests/${digest ?? tag}`);
  assert.equal(url.pathname, `/v2/${repository}/manifests/${digest ?? tag}`);
  assert.equal(url.search + url.hash + url.username + url.password, "");
  const [, host = "", port = "443"] = /^(.*?)(?::([0-9]+))?$/.exec(registry)!;
  // An IPv6 address has many forms, and all of them are what they seem.
  if (!host.startsWith("[")) assert.equal(url.hostname, host.toLowerCase());
  assert.equal(Number(url.port || "443"), Number(port));
}

type Parse = typeof parseReference;

function tryReference(random: Random, parse: Parse): string {
  const { text: right, means } = makeReference(random);
  const kind = random.below(8);
  if (kind === 0) {
    assert.deepEqual(parse(right), means, right);
    checkTaken(means);
    return "right";
  }
  const text = kind < 6
    ? mutateText(random, right, [makeReference(random).text])
    : makeSoup(random);
  let reference: Reference;
  try {
    reference = parse(text);
  } catch (error) {
    if (!(error instanceof InvalidReference)) throw error;
    assertTellable(error.message);
    return "refused";
  }
  try {
    checkTaken(reference);
  } catch (error) {
    throw new Error(`${JSON.stringify(text)} was taken as ${Deno.inspect(reference)}`, {
      cause: error,
    });
  }
  return "taken";
}

Deno.test(`parseReference() takes what the grammar allows and nothing else, ${CASES} times`, async () => {
  const tally = await runCases(
    "references",
    CASES,
    (random) => tryReference(random, parseReference),
  );
  assertAllSaid(tally, ["right", "refused", "taken"]);
});

const CARELESS: Readonly<Record<string, Parse>> = {
  "a host in another form": (text) => {
    const reference = parseReference(text);
    return { ...reference, registry: reference.registry.replace("127.0.0.1", "0x7f.1") };
  },
  "a name with an empty part": (text) => {
    const { repository, ...rest } = parseReference(text.replace("//", "/"));
    return { ...rest, repository: text.includes("//") ? `${repository}/` : repository };
  },
  "a tag that is too long": (text) => parseReference(text.slice(0, 100)),
};

for (const [name, parse] of Object.entries(CARELESS)) {
  Deno.test(`a parser of references that gives ${name} is found`, async () => {
    const trying = runCases(name, 5_000, (random) => tryReference(random, parse));
    await assert.rejects(trying, /FUZZ_SEED=/);
  });
}
