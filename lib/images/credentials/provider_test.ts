import assert from "node:assert/strict";
import { parseReference } from "../oci/reference.ts";
import { HAS_SHELL, Programs } from "./_programs.ts";
import { isAsked, type Provided, ProviderPlugin, type PullingPod } from "./provider.ts";
import type { CredentialProvider, TokenAttributes } from "./provider_config.ts";

const { signal } = new AbortController();
const SECRET = "hunter2";
const VERSION = "credentialprovider.kubelet.k8s.io/v1";
const PROVIDER: CredentialProvider = {
  name: "cloud",
  matchImages: ["*.r.io"],
  defaultCacheMs: 0,
  apiVersion: VERSION,
  args: ["get-credentials"],
  env: { REGION: "eu" },
};
const TOKEN: TokenAttributes = {
  audience: "cloud",
  cacheType: "ServiceAccount",
  required: true,
  requiredAnnotations: ["example.com/role"],
  optionalAnnotations: ["example.com/more"],
};
const POD: PullingPod = { namespace: "shop", name: "web", uid: "p1", serviceAccount: "robot" };

function answer(more: Readonly<Record<string, unknown>> = {}): string {
  const body = {
    kind: "CredentialProviderResponse",
    apiVersion: VERSION,
    cacheKeyType: "Image",
    auth: { "*.r.io": { username: "u", password: SECRET } },
    ...more,
  };
  return `echo '${JSON.stringify(body)}'`;
}

interface Room extends AsyncDisposable {
  provide(image: string, pod?: PullingPod): Promise<Provided | undefined>;
  /** What the program was asked, run by run. */
  asked(): string[];
  later(ms: number): void;
}

/** A provider whose program is this script. */
async function open(
  script: string,
  { provider = {}, annotations = { "example.com/role": "reader" } }: {
    provider?: Partial<CredentialProvider>;
    annotations?: Record<string, string>;
  } = {},
): Promise<Room> {
  const programs = new Programs();
  await programs.write("cloud", script);
  let nowMs = 1_000;
  let tokens = 0;
  const plugin = new ProviderPlugin({ ...PROVIDER, ...provider }, {
    binDir: programs.dir,
    nowMs: () => nowMs,
    accounts: {
      find: (namespace, name) =>
        namespace === "shop" && name === "robot"
          ? Promise.resolve({ uid: "s1", annotations })
          : Promise.reject(new Error("it does not exist")),
      token: (pod, audience) => Promise.resolve(`${audience}-${pod.name}-${tokens++}`),
    },
  });
  return {
    provide: (image, pod) => plugin.provide(parseReference(image), { pod, signal }),
    asked: () => programs.asked("cloud"),
    later: (ms) => void (nowMs += ms),
    [Symbol.asyncDispose]: () => programs[Symbol.asyncDispose](),
  };
}

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `ProviderPlugin.provide() ${name}`, ignore: !HAS_SHELL, fn });
}

test("asks for the repository, and gives what is answered", async () => {
  await using room = await open(`test "$REGION" = eu && ${answer()}`);
  const provided = await room.provide("eu.r.io/team/app:v1");
  assert.deepEqual(provided, { auths: { "*.r.io": { username: "u", password: SECRET } } });
  const request = { apiVersion: VERSION, kind: "CredentialProviderRequest" };
  assert.deepEqual(room.asked(), [
    `get-credentials ${JSON.stringify({ ...request, image: "eu.r.io/team/app" })}`,
  ]);
  assert.equal(await room.provide("other.io/app"), undefined);
  assert.equal(room.asked().length, 1);
});

test("asks once for pulls that come at the same time", async () => {
  await using room = await open(`sleep 0.1; ${answer()}`);
  await Promise.all([1, 2, 3].map(() => room.provide("eu.r.io/app")));
  assert.equal(room.asked().length, 1);
});

const CACHED: readonly (readonly [type: string, images: readonly string[], runs: number])[] = [
  ["Image", ["eu.r.io/a", "eu.r.io/a", "eu.r.io/b"], 2],
  ["Registry", ["eu.r.io/a", "eu.r.io/b", "us.r.io/a"], 2],
  ["Global", ["eu.r.io/a", "us.r.io/b", "us.r.io/a"], 1],
];

for (const [cacheKeyType, images, runs] of CACHED) {
  test(`remembers an answer with cacheKeyType ${cacheKeyType}`, async () => {
    await using room = await open(answer({ cacheKeyType, cacheDuration: "10m0s" }));
    for (const image of images) await room.provide(image);
    assert.equal(room.asked().length, runs);
    room.later(600_000);
    await room.provide(images[0]!);
    assert.equal(room.asked().length, runs + 1);
  });
}

test("remembers for as long as the configuration says if the answer does not", async () => {
  await using room = await open(answer(), { provider: { defaultCacheMs: 5_000 } });
  await room.provide("eu.r.io/a");
  room.later(4_999);
  await room.provide("eu.r.io/a");
  assert.equal(room.asked().length, 1);
  room.later(1);
  await room.provide("eu.r.io/a");
  assert.equal(room.asked().length, 2);
});

test("remembers nothing for 0s", async () => {
  const provider = { defaultCacheMs: 5_000 };
  await using room = await open(answer({ cacheDuration: "0s" }), { provider });
  await room.provide("eu.r.io/a");
  await room.provide("eu.r.io/a");
  assert.equal(room.asked().length, 2);
});

test("gives a token of the service account, and the annotations that are asked for", async () => {
  const annotations = { "example.com/role": "reader", "example.com/more": "1", secret: "no" };
  await using room = await open(answer({ cacheDuration: "1h" }), {
    provider: { token: TOKEN },
    annotations,
  });
  const provided = await room.provide("eu.r.io/a", POD);
  assert.deepEqual(provided?.account, { uid: "s1", namespace: "shop", name: "robot" });
  const { serviceAccountToken, serviceAccountAnnotations } = JSON.parse(
    room.asked()[0]!.replace("get-credentials ", ""),
  );
  assert.equal(serviceAccountToken, "cloud-web-0");
  assert.deepEqual(serviceAccountAnnotations, {
    "example.com/more": "1",
    "example.com/role": "reader",
  });
  await room.provide("eu.r.io/a", { ...POD, name: "web2", uid: "p2" });
  assert.equal(room.asked().length, 1);
});

test("remembers by token where the answer is the token's", async () => {
  const provider = { token: { ...TOKEN, cacheType: "Token" as const } };
  await using room = await open(answer({ cacheDuration: "1h" }), { provider });
  await room.provide("eu.r.io/a", POD);
  await room.provide("eu.r.io/a", POD);
  assert.equal(room.asked().length, 2);
});

test("does not ask for pods that the provider is not for", async () => {
  await using room = await open(answer(), { provider: { token: TOKEN }, annotations: {} });
  assert.equal(await room.provide("eu.r.io/a", POD), undefined);
  assert.equal(await room.provide("eu.r.io/a", { ...POD, serviceAccount: "" }), undefined);
  assert.equal(await room.provide("eu.r.io/a"), undefined);
  assert.equal(room.asked().length, 0);
});

const FAILED: readonly (readonly [script: string, says: RegExp])[] = [
  [`echo ${SECRET}; echo denied >&2; exit 4`, /it ended with code 4: denied$/],
  [`echo ${SECRET}`, /its answer is not JSON/],
  [answer({ apiVersion: "v2" }), /no CredentialProviderResponse of/],
  [answer({ cacheKeyType: "Pod" }), /must be Image, Registry or Global/],
  [answer({ cacheDuration: "soon" }), /cacheDuration must be a duration/],
  [answer({ auth: [SECRET] }), /its auth must be an object/],
];

for (const [script, says] of FAILED) {
  test(`says what went wrong and nothing secret: ${says}`, async () => {
    await using room = await open(script);
    await assert.rejects(room.provide("eu.r.io/a"), (error: Error) => {
      assert.match(error.message, /^credential provider "cloud" has failed: /);
      assert.match(error.message, says);
      assert.doesNotMatch(Deno.inspect(error), new RegExp(SECRET));
      return true;
    });
  });
}

test("refuses a token that comes back as a password for all pods", async () => {
  const auth = { "*.r.io": { username: "u", password: "cloud-web-0" } };
  await using room = await open(answer({ auth }), { provider: { token: TOKEN } });
  await assert.rejects(room.provide("eu.r.io/a", POD), { message: /needs cacheType Token/ });
});

test("says that there is no such service account", async () => {
  await using room = await open(answer(), { provider: { token: TOKEN } });
  const asking = room.provide("eu.r.io/a", { ...POD, serviceAccount: "nobody" });
  await assert.rejects(asking, { message: /service account "shop\/nobody": it does not exist/ });
});

const MATCHES: readonly (readonly [pattern: string, image: string, asked: boolean])[] = [
  ["r.io", "r.io/a", true],
  ["*.r.io", "eu.r.io/a", true],
  ["*.r.io", "r.io/a", false],
  ["r.*", "r.io/a", true],
  ["app*.r.io", "app1.r.io/a", true],
  ["r.io:8080/path", "r.io:8080/path/a", true],
  ["r.io/path", "r.io/pathology", true],
  ["r.io/path", "r.io/other/path", false],
  ["r.io", "r.io:8080/a", false],
  ["docker.io", "hello", true],
];

for (const [pattern, image, asked] of MATCHES) {
  Deno.test(`isAsked() is ${asked} for "${pattern}" and ${image}`, () => {
    assert.equal(isAsked({ ...PROVIDER, matchImages: [pattern] }, parseReference(image)), asked);
  });
}
