import assert from "node:assert/strict";
import { join } from "node:path";
import { TestDir } from "../oci/_test_registry.ts";
import { loadProviders } from "./provider_config.ts";

const PROVIDER = {
  name: "cloud",
  matchImages: ["*.cloud.example"],
  defaultCacheDuration: "12h0m0s",
  apiVersion: "credentialprovider.kubelet.k8s.io/v1",
};
const TOKEN = {
  serviceAccountTokenAudience: "cloud",
  cacheType: "ServiceAccount",
  requireServiceAccount: true,
};

async function load(
  files: Readonly<Record<string, unknown>>,
  path?: string,
): ReturnType<typeof loadProviders> {
  await using dir = new TestDir();
  await Deno.writeTextFile(join(dir.path, "cloud"), "");
  await Deno.writeTextFile(join(dir.path, "other"), "");
  for (const [name, body] of Object.entries(files)) {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    await Deno.writeTextFile(join(dir.path, name), text);
  }
  return await loadProviders(join(dir.path, path ?? ""), dir.path);
}

const config = (...providers: unknown[]): unknown => ({
  apiVersion: "kubelet.config.k8s.io/v1",
  kind: "CredentialProviderConfig",
  providers,
});

Deno.test("loadProviders() reads a file with everything in it", async () => {
  const text = `
apiVersion: kubelet.config.k8s.io/v1
kind: CredentialProviderConfig
providers:
- name: cloud
  matchImages: ["*.cloud.example"]
  defaultCacheDuration: 10m
  apiVersion: credentialprovider.kubelet.k8s.io/v1
  args: [get]
  env: [{ name: REGION, value: eu }]
  tokenAttributes:
    serviceAccountTokenAudience: cloud
    cacheType: Token
    requireServiceAccount: true
    requiredServiceAccountAnnotationKeys: [example.com/role]
`;
  assert.deepEqual(await load({ "p.yaml": text }, "p.yaml"), [{
    name: "cloud",
    matchImages: ["*.cloud.example"],
    defaultCacheMs: 600_000,
    apiVersion: "credentialprovider.kubelet.k8s.io/v1",
    args: ["get"],
    env: { REGION: "eu" },
    token: {
      audience: "cloud",
      cacheType: "Token",
      required: true,
      requiredAnnotations: ["example.com/role"],
      optionalAnnotations: [],
    },
  }]);
});

Deno.test("loadProviders() reads a folder's files by their names", async () => {
  const files = {
    "b.yaml": config(PROVIDER),
    "a.json": config({ ...PROVIDER, name: "other" }),
    "c.txt": "no configuration",
  };
  assert.deepEqual((await load(files)).map(({ name }) => name), ["other", "cloud"]);
});

const REFUSED: readonly (readonly [body: unknown, message: RegExp])[] = [
  ["{", /Cannot use credential provider configuration ".*p\.json": /],
  [[], /it holds no object/],
  [{ kind: "Pod", apiVersion: "v1" }, /no CredentialProviderConfig of kubelet\.config\.k8s\.io/],
  [config(), /at least one entry/],
  [config({ ...PROVIDER, name: "../sh" }), /providers\[0\]\.name "\.\.\/sh" must be the name/],
  [config({ ...PROVIDER, name: ".." }), /must be the name of a program/],
  [config({ ...PROVIDER, name: "absent" }), /provider ".*absent" is no program/],
  [config(PROVIDER, PROVIDER), /provider "cloud" is named twice/],
  [config({ ...PROVIDER, matchImages: [] }), /matchImages must have at least one/],
  [config({ ...PROVIDER, matchImages: "x" }), /matchImages must be a list/],
  [config({ ...PROVIDER, apiVersion: "v1" }), /providers\[0\]\.apiVersion "v1" must be/],
  [config({ ...PROVIDER, defaultCacheDuration: undefined }), /defaultCacheDuration "" must be a/],
  [config({ ...PROVIDER, matchImage: ["x"] }), /providers\[0\]\.matchImage is not known/],
  [config({ ...PROVIDER, tokenAttributes: { ...TOKEN, cacheType: "" } }), /cacheType "" must be/],
  [
    config({ ...PROVIDER, tokenAttributes: { ...TOKEN, requireServiceAccount: null } }),
    /requireServiceAccount must be true or false/,
  ],
  [
    config({
      ...PROVIDER,
      tokenAttributes: {
        ...TOKEN,
        requireServiceAccount: false,
        requiredServiceAccountAnnotationKeys: ["a"],
      },
    }),
    /needs requireServiceAccount true/,
  ],
  [
    config({
      ...PROVIDER,
      tokenAttributes: {
        ...TOKEN,
        requiredServiceAccountAnnotationKeys: ["a"],
        optionalServiceAccountAnnotationKeys: ["a"],
      },
    }),
    /names annotation "a" twice/,
  ],
  [
    config({
      ...PROVIDER,
      apiVersion: "credentialprovider.kubelet.k8s.io/v1beta1",
      tokenAttributes: TOKEN,
    }),
    /tokenAttributes needs apiVersion/,
  ],
];

for (const [body, message] of REFUSED) {
  Deno.test(`loadProviders() refuses what ${message}`, async () => {
    await assert.rejects(load({ "p.json": body }, "p.json"), { code: "invalid", message });
  });
}

Deno.test("loadProviders() refuses a path with nothing to read", async () => {
  await assert.rejects(load({}), { code: "invalid", message: /no \.json, \.yaml or \.yml file/ });
  await assert.rejects(load({}, "absent"), { code: "invalid" });
});
