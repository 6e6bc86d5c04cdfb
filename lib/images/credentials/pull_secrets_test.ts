import assert from "node:assert/strict";
import type { Secret } from "../../api/types.ts";
import { isKubeletError } from "../../errors.ts";
import { fingerprint } from "../oci/credential.ts";
import { secretCredentials } from "./pull_secrets.ts";
import { parseReference } from "../oci/reference.ts";

function configSecret(auths: Record<string, unknown>, name = "creds"): Secret {
  const text = JSON.stringify({ auths });
  return {
    metadata: { name, namespace: "shop", uid: "u1" },
    type: "kubernetes.io/dockerconfigjson",
    data: { ".dockerconfigjson": btoa(text) },
  };
}

function users(image: string, ...secrets: Secret[]): string[] {
  return secretCredentials(parseReference(image), secrets)
    .map(({ credential }) => credential.username);
}

const as = (username: string): object => ({ username, password: "p" });

Deno.test("secretCredentials() reads auth, which wins over username and password", () => {
  const auth = btoa("robot$a:pa:ss\0\0");
  const secret = configSecret({ "r.io": { username: "x", password: "y", auth } });
  const credential = { username: "robot$a", password: "pa:ss", source: 'pull secret "creds"' };
  const owner = { kind: "secret", uid: "u1", namespace: "shop", name: "creds" };
  assert.deepEqual(secretCredentials(parseReference("r.io/a"), [secret]), [
    { credential, owner: { ...owner, hash: fingerprint(credential) } },
  ]);
});

Deno.test("secretCredentials() reads UTF-8 passwords", () => {
  const auth = new TextEncoder().encode("jörg:größe").toBase64();
  const [found] = secretCredentials(parseReference("r.io/a"), [configSecret({ "r.io": { auth } })]);
  assert.deepEqual([found?.credential.username, found?.credential.password], ["jörg", "größe"]);
});

Deno.test("secretCredentials() reads identity tokens and dockercfg, and stringData", () => {
  const config = configSecret({ "r.io": { auth: btoa("0000:"), identitytoken: "refresh" } });
  const [token] = secretCredentials(parseReference("r.io/a"), [config]);
  assert.equal(token?.credential.identityToken, "refresh");
  const old = {
    type: "kubernetes.io/dockercfg",
    data: { ".dockercfg": btoa('{"r.io":{"auth":"YTpi"}}') },
  };
  assert.deepEqual(users("r.io/a", old), ["a"]);
  const plain = { stringData: { ".dockerconfigjson": '{"auths":{"r.io":{"auth":"YTpi"}}}' } };
  assert.deepEqual(users("r.io/a", plain), ["a"]);
});

const MATCHES: readonly (readonly [key: string, image: string, fits: boolean])[] = [
  ["r.io", "r.io/a", true],
  ["https://r.io", "r.io/a", true],
  ["http://r.io/", "r.io/a", true],
  ["https://r.io/v1/", "r.io/a", true],
  ["r.io/v2", "r.io/a", true],
  ["R.IO", "r.io/a", true],
  ["r.io:5000", "r.io:5000/a", true],
  ["r.io", "r.io:5000/a", false],
  ["r.io:5000", "r.io/a", false],
  ["evil-r.io", "r.io/a", false],
  ["r.io.evil.com", "r.io/a", false],
  ["https://index.docker.io/v1/", "hello", true],
  ["docker.io", "hello", true],
  ["registry-1.docker.io", "me/hello", true],
  ["index.docker.io", "r.io/a", false],
  ["r.io/team", "r.io/team/app", true],
  ["r.io/team/app", "r.io/team/app", true],
  ["r.io/team", "r.io/team-b/app", false],
  ["r.io/team", "r.io/other", false],
  ["*.r.io", "eu.r.io/a", true],
  ["*.r.io", "r.io/a", false],
  ["*.r.io", "a.eu.r.io/a", false],
  ["*.dkr.ecr.*.example.com", "12.dkr.ecr.eu-1.example.com/a", true],
  ["eu-*.r.io", "eu-west.r.io/a", true],
  ["eu-*.r.io", "us-west.r.io/a", false],
  ["eu-?.r.io", "eu-1.r.io/a", true],
  ["eu-?.r.io", "eu-12.r.io/a", false],
  ["eu-[a-c].r.io", "eu-b.r.io/a", true],
  ["eu-[^a-c].r.io", "eu-b.r.io/a", false],
  ["", "r.io/a", false],
];

for (const [key, image, fits] of MATCHES) {
  Deno.test(`secretCredentials() ${fits ? "uses" : "leaves"} "${key}" for ${image}`, () => {
    assert.deepEqual(users(image, configSecret({ [key]: as("u") })), fits ? ["u"] : []);
  });
}

Deno.test("secretCredentials() gives the most exact key first, and equal keys in their order", () => {
  const first = configSecret({ "r.io": as("wide"), "r.io/team": as("narrow") });
  const second = configSecret({ "r.io/team/app": as("exact"), "https://R.io/v1/": as("wide too") });
  const found = users("r.io/team/app", first, second);
  assert.deepEqual(found, ["exact", "narrow", "wide", "wide too"]);
  assert.deepEqual(users("r.io/team/app", second, first).slice(2), ["wide too", "wide"]);
  assert.deepEqual(users("eu.r.io/a", configSecret({ "*.r.io": as("any"), "eu.r.io": as("eu") })), [
    "eu",
    "any",
  ]);
});

Deno.test("secretCredentials() leaves Secrets and entries without credentials", () => {
  assert.deepEqual(users("r.io/a", { data: { other: "!!" } }, configSecret({ "r.io": {} })), []);
  assert.deepEqual(users("r.io/a", { data: { ".dockerconfigjson": btoa("{}") } }), []);
});

const SECRET = "hunter2";
const UNREADABLE: Readonly<Record<string, string>> = {
  "not base64": `%%${SECRET}`,
  "not JSON": btoa(`${SECRET} {`),
  "shape of a Docker configuration": btoa(`["${SECRET}"]`),
  '"auth" of "r.io"': btoa(`{"auths":{"r.io":{"auth":"${SECRET}"}}}`),
  "of a Docker configuration": btoa(`{"auths":{"r.io":"${SECRET}"}}`),
};

for (const [state, value] of Object.entries(UNREADABLE)) {
  Deno.test(`secretCredentials() names the Secret and not its value: ${state}`, () => {
    const secret = { metadata: { name: "creds" }, data: { ".dockerconfigjson": value } };
    assert.throws(() => secretCredentials(parseReference("r.io/a"), [secret]), (error: unknown) => {
      assert.ok(isKubeletError(error, "image_pull"));
      assert.match(error.message, /Cannot read pull secret "creds": /);
      assert.ok(error.message.includes(state), error.message);
      assert.equal(Deno.inspect(error).includes(SECRET), false);
      return true;
    });
  });
}

Deno.test("fingerprint() is equal for equal credentials only, and shows nothing", () => {
  const a = { username: "ab", password: "c", source: "x" };
  assert.equal(fingerprint(a), fingerprint({ ...a, source: "y" }));
  assert.notEqual(fingerprint(a), fingerprint({ ...a, username: "a", password: "bc" }));
  assert.notEqual(fingerprint(a), fingerprint({ ...a, identityToken: "t" }));
  assert.notEqual(fingerprint(a), fingerprint(undefined));
  assert.match(fingerprint(a), /^[0-9a-f]{64}$/);
});
