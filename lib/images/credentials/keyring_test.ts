import assert from "node:assert/strict";
import { join } from "node:path";
import { parseReference } from "../oci/reference.ts";
import { HAS_SHELL, Programs } from "./_programs.ts";
import { openKeyring } from "./open_keyring.ts";

const { signal } = new AbortController();
const login = (username: string): object => ({ username, password: "p" });

/** A provider's program that gives this user for the key. */
function answering(key: string, username: string): string {
  return `echo '${
    JSON.stringify({
      kind: "CredentialProviderResponse",
      apiVersion: "credentialprovider.kubelet.k8s.io/v1",
      cacheKeyType: "Image",
      auth: { [key]: login(username) },
    })
  }'`;
}

async function writeProviders(dir: string, ...names: string[]): Promise<string> {
  const path = join(dir, "providers.json");
  const providers = names.map((name) => ({
    name,
    matchImages: ["r.io"],
    defaultCacheDuration: "0s",
    apiVersion: "credentialprovider.kubelet.k8s.io/v1",
  }));
  const kind = "CredentialProviderConfig";
  const config = { apiVersion: "kubelet.config.k8s.io/v1", kind, providers };
  await Deno.writeTextFile(path, JSON.stringify(config));
  return path;
}

Deno.test({
  name: "Keyring.find() has pull secrets before the node's own credentials before providers'",
  ignore: !HAS_SHELL,
  async fn(): Promise<void> {
    await using programs = new Programs();
    await programs.write("wide", answering("r.io", "wide"));
    await programs.write("narrow", answering("r.io/team", "narrow"));
    await programs.write("broken", "exit 1");
    const config = await writeProviders(programs.dir, "wide", "broken", "narrow");
    await Deno.writeTextFile(
      join(programs.dir, "config.json"),
      JSON.stringify({ auths: { "r.io/team/app": login("node") } }),
    );
    const keyring = await openKeyring({
      dockerConfigDir: undefined,
      home: join(programs.dir, "nobody"),
      providers: { config, binDir: programs.dir },
    }, { ownDir: programs.dir });
    const secret = {
      metadata: { name: "s", namespace: "n", uid: "u" },
      stringData: { ".dockerconfigjson": JSON.stringify({ auths: { "r.io": login("secret") } }) },
    };
    const found = await keyring.find(parseReference("r.io/team/app"), {
      secrets: [secret],
      signal,
    });
    const users = found.credentials.map(({ credential }) => credential.username);
    assert.deepEqual(users, ["secret", "node", "narrow", "wide"]);
    const kinds = found.credentials.map(({ owner }) => owner.kind);
    assert.deepEqual(kinds, ["secret", "node", "node", "node"]);
    assert.deepEqual(found.troubles, [
      'credential provider "broken" has failed: it ended with code 1',
    ]);
  },
});
