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

/** Which archives are made: those of this machine and of Windows, or of all platforms. */
const ALL = Deno.env.get("KRUSTLET_TEST_ARCHIVES") === "all";
const TARGETS = [
  ...["linux-amd64", "windows-amd64"],
  ...(ALL ? ["linux-arm64", "darwin-amd64", "darwin-arm64", "windows-arm64"] : []),
];
const can = await canBeMade();
const cannot = TARGETS.filter((name) => !can.includes(name));
const which = `of ${can.join(", ")}` +
  (cannot.length === 0 ? "" : ` (nobody here has the runtime of ${cannot.join(", ")})`);

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

async function packager(args: readonly string[]): Promise<Outcome> {
  const script = join(ROOT, "scripts/package/mod.ts");
  return await command([Deno.execPath(), "run", "-A", script, ...args], { cwd: ROOT });
}

/** The targets whose runtime can be had here; that of this machine must be. */
async function canBeMade(): Promise<string[]> {
  const { code, text } = await packager(["--try", ...TARGETS.map((name) => `--target=${name}`)]);
  assert.equal(code, 0, text);
  const lines = text.split("\n");
  assert.ok(lines.includes("linux-amd64"), text);
  return TARGETS.filter((name) => lines.includes(name));
}

async function makeRelease(out: string): Promise<Release> {
  const { code, text } = await packager([...can.map((name) => `--target=${name}`), `--out=${out}`]);
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

/** A folder for a release, and an installer that believes to be on this kind of machine. */
async function pretend(uname: string): Promise<
  AsyncDisposable & {
    readonly path: string;
    install(version: string): Promise<Outcome>;
  }
> {
  const place = await tempFolder();
  const [system, machine] = uname.split(" ");
  await Deno.mkdir(join(place.path, "bin"));
  const script = `#!/bin/sh\nif [ "$1" = -m ]; then echo ${machine}; else echo ${system}; fi\n`;
  await Deno.writeTextFile(join(place.path, "bin/uname"), script, { mode: 0o755 });
  return {
    path: place.path,
    install: async (version) =>
      await command(
        [
          ...["sh", INSTALLER, "--version", version] as const,
          ...["--from", place.path, "--to", join(place.path, "prefix")],
        ],
        { env: { PATH: `${join(place.path, "bin")}:${Deno.env.get("PATH")}` } },
      ),
    [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
  };
}

/** An archive whose program says its version, and the checksums that belong to it. */
async function makeArchive(to: string, name: string): Promise<void> {
  const folder = join(to, name);
  await Deno.mkdir(folder);
  const version = /^krustlet-(.*)-\w+-\w+$/.exec(name)![1];
  await Deno.writeTextFile(join(folder, "krustlet"), `#!/bin/sh\necho krustlet ${version}\n`, {
    mode: 0o755,
  });
  const { code, text } = await command(
    [
      "sh",
      "-c",
      `tar -czf $1.tar.gz $1 && sha256sum $1.tar.gz >checksums-$2.txt`,
      "sh",
      name,
      version!,
    ],
    { cwd: to },
  );
  assert.equal(code, 0, text);
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

scenario(`a release ${which} is the same, byte for byte, when it is made again`, async () => {
  const { out, checksums } = await release();
  await using other = await tempFolder();
  const again = await makeRelease(join(other.path, "again"));
  assert.equal(
    await Deno.readTextFile(join(again.out, checksums)),
    await Deno.readTextFile(join(out, checksums)),
  );
});

scenario(`archives ${which} hold what they need, and need what every system has`, async () => {
  const { out, version } = await release();
  for (const target of can) {
    const isWindows = target.startsWith("windows");
    const folder = `krustlet-${version}-${target}`;
    const { code, text } = await command([
      ...[Deno.execPath(), "run", "-A", join(ROOT, "scripts/package/inspect.ts")] as const,
      join(out, `${folder}.${isWindows ? "zip" : "tar.gz"}`),
    ], { cwd: ROOT });
    assert.equal(code, 0, text);
    const { files, runtime, objections } = JSON.parse(text);
    assert.deepEqual(objections, []);
    assert.equal(`${runtime.os}-${runtime.arch}`, target);
    assert.equal(runtime.path, `${folder}/lib/${isWindows ? "deno.exe" : "deno"}`);
    assert.doesNotMatch(runtime.libraries.join(" "), /ssl|libcrypto|eay32/i);
    const programs = [`krustlet${isWindows ? ".cmd" : ""}`, runtime.path.slice(folder.length + 1)];
    const rest = ["lib/main.js", "lib/providers/wasi/guest_main.js", "LICENSE", "sbom.cdx.json"];
    for (const path of [...programs, ...rest]) {
      const file = files[`${folder}/${path}`];
      assert.ok(file?.bytes > 0, `${target} has no ${path}`);
      if (!isWindows) assert.equal(file.mode, programs.includes(path) ? "755" : "644", path);
    }
    const foreign = Object.keys(files).filter((path) =>
      !path.startsWith(`${folder}/`) || /\.(ts|node|map)$|node_modules|_test/.test(path)
    );
    assert.deepEqual(foreign, []);
  }
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

scenario("the installer takes the archive of the machine that it is on", async () => {
  const { version } = await release();
  const machines = [
    ["Linux x86_64", "linux-amd64"],
    ["Linux aarch64", "linux-arm64"],
    ["Darwin x86_64", "darwin-amd64"],
    ["Darwin arm64", "darwin-arm64"],
  ] as const;
  for (const [uname, target] of machines) {
    await using machine = await pretend(uname);
    const name = `krustlet-${version}-${target}`;
    await makeArchive(machine.path, name);
    const { code, text } = await machine.install(version);
    assert.equal(code, 0, text);
    assert.match(text, new RegExp(`Installed krustlet ${version} as `));
  }
  await using odd = await pretend("Plan9 mips");
  await makeArchive(odd.path, `krustlet-${version}-plan9-mips`);
  const { code, text } = await odd.install(version);
  assert.notEqual(code, 0);
  assert.match(text, /there is no release for Plan9/);
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
    const machine = [ROOT, `${Deno.env.get("HOME") || ROOT}/`, "/npm/registry"].flatMap((
      it,
    ) => ["-e", it]);
    const found = await command(["grep", "-rlF", ...machine, "--include=*.js", join(home, "lib")]);
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
