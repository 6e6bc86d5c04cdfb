import assert from "node:assert/strict";
import { join } from "node:path";
import { HAS_SHELL, Programs } from "./credentials/_programs.ts";
import { openKeyring } from "./credentials/open_keyring.ts";
import { ImageStore } from "./images.ts";
import { LOGIN_MS, mirrorLogins, TROUBLE_MS } from "./mirror_logins.ts";
import { moduleOf, TestDir, TestRegistry } from "./oci/_test_registry.ts";

const { signal } = new AbortController();
const MODULE = moduleOf(2_000);
const login = (user: string, password: string): object => ({ auth: btoa(`${user}:${password}`) });

Deno.test("mirrorLogins() gives a mirror the node's credential for it, and never a pod's", async () => {
  await using dir = new TestDir();
  await using registry = await TestRegistry.start({
    auth: { kind: "basic", user: "pod", password: "p" },
  });
  await using mirror = await TestRegistry.start({
    auth: { kind: "basic", user: "node", password: "n" },
  });
  registry.artifact("app", "v1", MODULE);
  mirror.artifact("hub/app", "v1", MODULE);
  const config = { auths: { [`${mirror.host}/hub`]: login("node", "n") } };
  await Deno.writeTextFile(join(dir.path, "config.json"), JSON.stringify(config));
  const places = { dockerConfigDir: dir.path, home: undefined, providers: undefined };
  await using store = new ImageStore({
    dir: join(dir.path, "images"),
    registries: {
      insecure: [registry.host],
      mirrors: { [registry.host]: [`http://${mirror.host}/hub`] },
    },
    keyring: await openKeyring(places, { ownDir: dir.path }),
    localModules: "refused",
    retryMs: 1,
  });
  const auths = { [registry.host]: login("pod", "p"), [mirror.host]: login("stolen", "s") };
  const secret = {
    metadata: { name: "s", namespace: "n", uid: "u" },
    type: "kubernetes.io/dockerconfigjson",
    stringData: { ".dockerconfigjson": JSON.stringify({ auths }) },
  };
  const image = `${registry.host}/app:v1`;
  assert.equal((await store.ensure({ image, secrets: [secret] }, { signal })).pulled, true);
  assert.deepEqual(registry.seen, []);
  const users = new Set(mirror.seen.map(({ authorization }) => authorization));
  assert.deepEqual(users, new Set([undefined, `Basic ${btoa("node:n")}`]));
});

Deno.test({
  name: "mirrorLogins() asks a helper once a minute, however many requests there are",
  ignore: !HAS_SHELL,
  async fn(): Promise<void> {
    await using programs = new Programs();
    const answer = JSON.stringify({ Username: "ada", Secret: "s" });
    await programs.write("docker-credential-test", `echo '${answer}'`);
    const config = { credHelpers: { "m.io": "test" } };
    await Deno.writeTextFile(join(programs.dir, "config.json"), JSON.stringify(config));
    const places = { dockerConfigDir: programs.dir, home: undefined, providers: undefined };
    let nowMs = 1_000;
    const find = mirrorLogins(await openKeyring(places, { ownDir: programs.dir }), {
      nowMs: () => nowMs,
    });
    const ask = async (repository = "hub/app"): Promise<string | undefined> =>
      (await find({ registry: "m.io", repository }, { signal }))?.username;
    const runs = (): number => programs.asked("docker-credential-test").length;
    assert.deepEqual(await Promise.all([ask(), ask(), ask()]), ["ada", "ada", "ada"]);
    nowMs += LOGIN_MS - 1;
    assert.deepEqual([await ask(), runs()], ["ada", 1]);
    nowMs += 1;
    assert.deepEqual([await ask(), runs()], ["ada", 2]);
    assert.deepEqual([await ask("hub/other"), runs()], ["ada", 3]);
  },
});

Deno.test("mirrorLogins() says why there is no credential, and asks again after a while", async () => {
  let found: { credentials: []; troubles: string[] } = { credentials: [], troubles: ["no \x1b"] };
  let [nowMs, runs] = [1_000, 0];
  const find = mirrorLogins({ find: () => Promise.resolve((runs++, found)) }, {
    nowMs: () => nowMs,
  });
  const ask = (): Promise<unknown> => find({ registry: "m.io", repository: "a" }, { signal });
  const message = 'no credentials can be found for mirror "m.io": no';
  await assert.rejects(ask(), { name: "PullFailure", message });
  found = { credentials: [], troubles: [] };
  nowMs += TROUBLE_MS - 1;
  await assert.rejects(ask(), { name: "PullFailure", message });
  assert.equal(runs, 1);
  nowMs += 1;
  assert.equal(await ask(), undefined);
});
