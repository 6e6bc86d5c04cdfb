import assert from "node:assert/strict";
import { join } from "node:path";
import { parseReference } from "../oci/reference.ts";
import { TestDir } from "../oci/_test_registry.ts";
import { HAS_SHELL, Programs } from "./_programs.ts";
import { dockerConfigFiles, type Found, nodeCredentials } from "./node_config.ts";

const { signal } = new AbortController();
const SECRET = "hunter2";
const login = (username: string): object => ({ username, password: SECRET });

async function find(image: string, ...files: string[]): Promise<Found> {
  return await nodeCredentials(parseReference(image), { files, signal });
}

function users({ credentials }: Found): string[] {
  return credentials.map(({ credential }) => credential.username);
}

Deno.test("dockerConfigFiles() are those that a kubelet looks for, but for the current directory", () => {
  assert.deepEqual(
    dockerConfigFiles({ own: "/data", home: "/home/me" }),
    [
      "/data/config.json",
      "/home/me/.docker/config.json",
      "/.docker/config.json",
      "/data/.dockercfg",
      "/home/me/.dockercfg",
      "/.dockercfg",
    ].map((path) => join(path)),
  );
  assert.deepEqual(dockerConfigFiles({ named: "/only", own: "/data", home: "/home/me" }), [
    join("/only/config.json"),
    join("/only/.dockercfg"),
  ]);
});

Deno.test("nodeCredentials() takes the first file that is there, as it is now", async () => {
  await using dir = new TestDir();
  const files = ["none.json", "a.json", "b.json"].map((name) => join(dir.path, name));
  await Deno.writeTextFile(files[1]!, JSON.stringify({ auths: { "r.io": login("a") } }));
  await Deno.writeTextFile(files[2]!, JSON.stringify({ auths: { "r.io": login("b") } }));
  const found = await find("r.io/app", ...files);
  assert.deepEqual(users(found), ["a"]);
  assert.deepEqual(found.credentials[0]!.owner, { kind: "node" });
  assert.equal(found.credentials[0]!.credential.source, `Docker configuration "${files[1]}"`);
  await Deno.writeTextFile(files[1]!, JSON.stringify({ auths: { "r.io/app": login("c") } }));
  assert.deepEqual(users(await find("r.io/app", ...files)), ["c"]);
  assert.deepEqual(users(await find("other.io/app", ...files)), []);
});

Deno.test("nodeCredentials() reads .dockercfg", async () => {
  await using dir = new TestDir();
  const path = join(dir.path, ".dockercfg");
  await Deno.writeTextFile(path, JSON.stringify({ "https://index.docker.io/v1/": login("hub") }));
  assert.deepEqual(users(await find("hello", path)), ["hub"]);
});

Deno.test("nodeCredentials() goes on behind a file that it cannot read, and says so", async () => {
  await using dir = new TestDir();
  const [bad, good] = ["bad.json", "good.json"].map((name) => join(dir.path, name));
  await Deno.writeTextFile(bad!, `{"auths": ${SECRET}`);
  await Deno.writeTextFile(good!, JSON.stringify({ auths: { "r.io": login("good") } }));
  const found = await find("r.io/app", bad!, good!);
  assert.deepEqual(users(found), ["good"]);
  assert.deepEqual(found.troubles, [
    `Docker configuration "${bad}" cannot be read: it is not JSON`,
  ]);
});

Deno.test({
  name: "nodeCredentials() asks the registry's own helper, else the one for all",
  ignore: !HAS_SHELL,
  async fn(): Promise<void> {
    await using programs = new Programs();
    const answer = (user: string): string => `echo '{"Username":"${user}","Secret":"${SECRET}"}'`;
    await programs.write("docker-credential-own", answer("own"));
    await programs.write("docker-credential-all", answer("<token>"));
    const path = join(programs.dir, "config.json");
    const auths = { "r.io": login("file"), "https://index.docker.io/v1/": {} };
    const config = { auths, credsStore: "all", credHelpers: { "r.io": "own" } };
    await Deno.writeTextFile(path, JSON.stringify(config));
    const found = await find("r.io/app", path);
    assert.deepEqual(users(found), ["own", "file"]);
    assert.equal(
      found.credentials[0]!.credential.source,
      'credential helper "docker-credential-own"',
    );
    assert.deepEqual(programs.asked("docker-credential-own"), ["get r.io"]);
    const [hub] = (await find("hello", path)).credentials;
    assert.equal(hub?.credential.identityToken, SECRET);
    assert.deepEqual(programs.asked("docker-credential-all"), ["get https://index.docker.io/v1/"]);
  },
});

const TROUBLES: readonly (readonly [script: string, says: RegExp | undefined])[] = [
  ['echo "credentials not found in native keychain"; exit 1', undefined],
  [`echo "${SECRET}"; echo "the keychain is locked" >&2; exit 2`, /code 2: the keychain is locked/],
  [`echo "${SECRET} {"`, /its answer has no Username and Secret/],
];

for (const [script, says] of TROUBLES) {
  Deno.test({
    name: `nodeCredentials() goes on behind a helper that does: ${script}`,
    ignore: !HAS_SHELL,
    async fn(): Promise<void> {
      await using programs = new Programs();
      await programs.write("docker-credential-x", script);
      const path = join(programs.dir, "config.json");
      const config = { auths: { "r.io": login("file") }, credsStore: "x" };
      await Deno.writeTextFile(path, JSON.stringify(config));
      const found = await find("r.io/app", path);
      assert.deepEqual(users(found), ["file"]);
      assert.equal(found.troubles.length, says === undefined ? 0 : 1);
      if (says !== undefined) assert.match(found.troubles[0]!, says);
      assert.doesNotMatch(found.troubles.join(), new RegExp(SECRET));
    },
  });
}

Deno.test("nodeCredentials() runs no program that a configuration names by its path", async () => {
  await using dir = new TestDir();
  const path = join(dir.path, "config.json");
  await Deno.writeTextFile(path, JSON.stringify({ credsStore: "../../bin/sh" }));
  const { troubles } = await find("r.io/app", path);
  assert.match(troubles.join(), /its name is not one/);
});
