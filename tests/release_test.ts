/** Release archives: made, verified, installed and run as somebody does who downloads them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { guest } from "./guests/build.ts";
import { startKrustlet } from "./harness/kubelet.ts";
import { podManifest } from "./harness/manifests.ts";
import { tempFolder } from "./harness/temp_folder.ts";
import { useTestbed } from "./harness/testbed.ts";
import { waitEnded } from "./harness/wait_pod.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const INSTALLER = join(ROOT, "scripts/install/install.sh");
const NOBODY = 65_534;
/** Whether this machine lets us make a process that is nobody and has no network. */
const mayBeNobody = Deno.uid() === 0 &&
  new Deno.Command("unshare", { args: ["--net", "true"], stderr: "null" }).outputSync().success;
const who = mayBeNobody ? "as nobody, with no network," : "as this user";

const scenario = useTestbed();
let made: Promise<Release> | undefined;
let folder: Awaited<ReturnType<typeof tempFolder>> | undefined;
Deno.test.afterAll(async () => {
  await folder?.[Symbol.asyncDispose]();
});

interface Release {
  /** Where the files lie. */
  readonly out: string;
  readonly version: string;
  readonly archive: string;
  readonly checksums: string;
}

interface Outcome {
  readonly code: number;
  readonly text: string;
}

async function command(
  [program, ...args]: readonly [string, ...string[]],
  options: { readonly cwd?: string; readonly env?: Record<string, string> } = {},
): Promise<Outcome> {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    stdin: "null",
    ...options,
  }).output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

async function makeRelease(out: string): Promise<Release> {
  const { code, text } = await command([
    ...[Deno.execPath(), "run", "-A", "scripts/package/mod.ts"] as const,
    ...["--target=linux-amd64", `--out=${out}`],
  ], { cwd: ROOT });
  assert.equal(code, 0, text);
  const { version } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
  const archive = `krustlet-${version}-linux-amd64.tar.gz`;
  return { out, version, archive, checksums: `checksums-${version}.txt` };
}

/** Made once for all tests. */
function release(): Promise<Release> {
  return made ??= (async () => {
    folder = await tempFolder();
    // Nobody must be able to read what is installed here.
    await Deno.chmod(folder.path, 0o755);
    return await makeRelease(join(folder.path, "out"));
  })();
}

async function install({ out, version }: Release, to: string): Promise<Outcome> {
  return await command(["sh", INSTALLER, "--version", version, "--from", out, "--to", to]);
}

/** One installation for all who only use it. */
let installed: Promise<string> | undefined;
function program(): Promise<string> {
  return installed ??= (async () => {
    const made = await release();
    const to = join(made.out, "../prefix");
    const { code, text } = await install(made, to);
    assert.equal(code, 0, text);
    assert.match(text, new RegExp(`Installed krustlet ${made.version} as`));
    return join(to, "bin/krustlet");
  })();
}

scenario("a release is the same, byte for byte, when it is made again", async () => {
  const { out, checksums } = await release();
  await using other = await tempFolder();
  const again = await makeRelease(join(other.path, "again"));
  assert.equal(
    await Deno.readTextFile(join(again.out, checksums)),
    await Deno.readTextFile(join(out, checksums)),
  );
});

scenario("sha256sum -c and the installer refuse an archive that was changed", async () => {
  const { out, archive, checksums, version } = await release();
  const good = await command(["sha256sum", "-c", checksums], { cwd: out });
  assert.equal(good.code, 0, good.text);
  await using other = await tempFolder();
  const bytes = await Deno.readFile(join(out, archive));
  bytes[bytes.length >> 1]! ^= 1;
  await Deno.writeFile(join(other.path, archive), bytes);
  await Deno.copyFile(join(out, checksums), join(other.path, checksums));
  const bad = await command(["sha256sum", "-c", checksums], { cwd: other.path });
  assert.notEqual(bad.code, 0);
  const prefix = join(other.path, "prefix");
  const refused = await install({ out: other.path, version, archive, checksums }, prefix);
  assert.notEqual(refused.code, 0);
  assert.match(refused.text, /is not the file that .* names/);
  await assert.rejects(Deno.stat(prefix), Deno.errors.NotFound, "nothing was installed");
});

scenario(
  "an archive has its licence, its bill of materials and no path of the machine",
  async () => {
    const home = join(
      await program(),
      "../../lib",
      `krustlet-${(await release()).version}-linux-amd64`,
    );
    assert.match(await Deno.readTextFile(join(home, "LICENSE")), /Apache License/);
    const bill = JSON.parse(await Deno.readTextFile(join(home, "sbom.cdx.json")));
    assert.equal(bill.bomFormat, "CycloneDX");
    const names = bill.components.map(({ name }: { name: string }) => name);
    assert.ok(names.includes("deno") && names.includes("node-forge"), names.join());
    assert.ok(!names.includes("fast-check"), "only tests use it");
    const found = await command(["grep", "-rlF", ROOT, "--include=*.js", join(home, "lib")]);
    assert.equal(found.code, 1, found.text);
  },
);

scenario(`a release runs a module ${who} in an empty folder`, async () => {
  await using empty = await tempFolder();
  const krustlet = await program();
  const module = join(empty.path, "hello.wasm");
  await Deno.copyFile(await guest("hello"), module);
  await Deno.chmod(module, 0o644);
  await Deno.chmod(empty.path, 0o777);
  const alone = mayBeNobody
    ? ["unshare", "--net", "setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"]
    : [];
  const [first, ...rest] = [...alone, krustlet, "run", module];
  const { code, text } = await command([first!, ...rest], {
    cwd: empty.path,
    env: { PATH: Deno.env.get("PATH") ?? "", HOME: empty.path },
  });
  assert.equal(code, 0, text);
  assert.match(text, /Hello, world!/i);
});

scenario(
  "a release joins a cluster and runs a pod",
  async ({ cluster, registry, image, create, namespace }) => {
    await using node = await startKrustlet(cluster, {
      program: await program(),
      insecureRegistries: [registry.host],
    });
    const containers = [{ image: await image("hello") }];
    await create("pods", podManifest({ name: "hello", nodeName: node.nodeName, containers }));
    await waitEnded(cluster, { namespace, name: "hello" }, "Succeeded");
    assert.match(await cluster.kubectl(["logs", "-n", namespace, "hello"]), /Hello, world!/i);
  },
);
