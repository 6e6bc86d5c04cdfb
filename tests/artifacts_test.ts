/** krustlet push, pull, inspect and run, together with other projects' registries and tools. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { guest } from "./guests/build.ts";
import { type CommandResult, runKrustlet } from "./harness/command.ts";
import { isInstalled, OciTools, startCraneRegistry } from "./harness/oci_tools.ts";
import type { RegistryAddress } from "./harness/push.ts";
import { startRegistry } from "./harness/registry.ts";
import { tempFolder } from "./harness/temp_folder.ts";
import { clusterTest } from "./harness/testbed.ts";
import { goProgram } from "./parts/go_program.ts";
import { runTool } from "./parts/run.ts";

const CNCF_CONFIG = "application/vnd.wasm.config.v0+json";
const OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
const TITLE = "org.opencontainers.image.title";
const USER = { user: "ada", password: "lovelace: engine" };

/** The registries, each started anew. */
const REGISTRIES: Readonly<Record<string, () => Promise<RegistryAddress & AsyncDisposable>>> = {
  "distribution": () => startRegistry(),
  "distribution with TLS and basic auth": () => startPrivate("basic"),
  "distribution with TLS and a token server": () => startPrivate("token"),
  "go-containerregistry's registry": () => startCraneRegistry(),
};

async function startPrivate(
  auth: "basic" | "token",
): Promise<RegistryAddress & AsyncDisposable> {
  const certs = await tempFolder();
  await runTool([await goProgram("aide"), "certs", certs.path]);
  const registry = await startRegistry({ certs: certs.path, auth, ...USER });
  return {
    ...registry,
    [Symbol.asyncDispose]: async () => {
      await registry[Symbol.asyncDispose]();
      await certs[Symbol.asyncDispose]();
    },
  };
}

/** A registry, the tools that know it, and ourselves. */
class Shop {
  readonly registry: RegistryAddress;
  readonly tools: OciTools;

  constructor(registry: RegistryAddress, tools: OciTools) {
    this.registry = registry;
    this.tools = tools;
  }

  /** Runs krustlet with the flags for the registry; it must succeed. */
  async krustlet(command: string, ...args: readonly string[]): Promise<CommandResult> {
    const all = [command, ...this.tools.krustletFlags, ...args];
    const result = await runKrustlet(all, { cwd: this.tools.path });
    assert.equal(result.code, 0, `krustlet ${all.join(" ")}: ${result.stderr}`);
    return result;
  }

  /** Runs each image in a container of its own, which must say hello. */
  async runsHello(...images: readonly string[]): Promise<void> {
    const pod = join(this.tools.path, "pod.json");
    const containers = images.map((image, i) => ({ name: `c${i}`, image }));
    const manifest = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "hello" },
      spec: { restartPolicy: "Never", containers },
    };
    await Deno.writeTextFile(pod, JSON.stringify(manifest));
    const { stdout } = await this.krustlet("run", pod);
    assert.equal(stdout.match(/Hello, world!$/gm)?.length, images.length, stdout);
  }

  /** The name of a repository's image. */
  image(repository: string, tag = "v1"): string {
    return `${this.registry.host}/${repository}:${tag}`;
  }

  /** Writes a file into the tools' folder. */
  async write(name: string, content: string | Uint8Array): Promise<void> {
    const path = join(this.tools.path, name);
    await Deno.mkdir(join(path, ".."), { recursive: true });
    if (typeof content === "string") await Deno.writeTextFile(path, content);
    else await Deno.writeFile(path, content);
  }

  async read(name: string): Promise<Uint8Array> {
    return await Deno.readFile(join(this.tools.path, name));
  }
}

function scenarioOf(kind: string): (name: string, play: (shop: Shop) => Promise<void>) => void {
  return (name, play) =>
    clusterTest(`${kind}: ${name}`, async () => {
      await using registry = await REGISTRIES[kind]!();
      await using tools = await OciTools.open(registry);
      await play(new Shop(registry, tools));
    });
}

async function hello(): Promise<Uint8Array> {
  return await Deno.readFile(await guest("hello"));
}

function blobPath(folder: string, digest: string): string {
  return join(folder, "blobs", digest.replace(":", "/"));
}

interface Manifest {
  readonly config: { readonly mediaType: string; readonly digest: string };
  readonly layers: readonly {
    readonly mediaType: string;
    readonly digest: string;
    readonly annotations?: Readonly<Record<string, string>>;
  }[];
  readonly annotations?: Readonly<Record<string, string>>;
}

for (const kind of Object.keys(REGISTRIES)) {
  const scenario = scenarioOf(kind);

  scenario("what we push, crane, regctl and we ourselves pull", async (shop) => {
    const { tools, registry } = shop;
    await shop.write("site/app.wasm", await hello());
    await shop.write("site/www/index.html", "page");
    const image = shop.image("ours/site");
    const { stdout } = await shop.krustlet(
      "push",
      ...["site", image, "--tag", "latest", "--annotation", "version=1.2.0", "-o", "json"],
    );
    const { digest, pinned } = JSON.parse(stdout) as { digest: string; pinned: string };
    assert.equal(pinned, `${registry.host}/ours/site@${digest}`);

    const text = await tools.run("crane", "manifest", image);
    const manifest = JSON.parse(text) as Manifest;
    assert.equal((await tools.run("crane", "digest", image)).trim(), digest);
    assert.equal(
      (await tools.run("crane", "digest", shop.image("ours/site", "latest"))).trim(),
      digest,
    );
    assert.deepEqual(
      manifest.layers.map(({ mediaType, annotations }) => [mediaType, annotations?.[TITLE]]),
      [["application/wasm", "app.wasm"], ["application/octet-stream", "www/index.html"]],
    );
    assert.equal(manifest.config.mediaType, CNCF_CONFIG);
    assert.equal(manifest.annotations?.["org.opencontainers.image.version"], "1.2.0");

    await tools.run("crane", "pull", "--format=oci", image, "by_crane");
    assert.deepEqual(
      await shop.read(blobPath("by_crane", manifest.layers[0]!.digest)),
      await hello(),
    );
    await Deno.mkdir(join(tools.path, "by_regctl"));
    await tools.run("regctl", "artifact", "get", "--output", "by_regctl", image);
    assert.deepEqual(await shop.read("by_regctl/app.wasm"), await hello());
    assert.deepEqual(
      await shop.read("by_regctl/www/index.html"),
      await shop.read("site/www/index.html"),
    );
    await tools.run("crane", "copy", image, shop.image("copies/site"));

    await shop.krustlet("pull", shop.image("copies/site"), "-o", "by_us/", "-q");
    assert.deepEqual(await shop.read("by_us/app.wasm"), await hello());
    assert.deepEqual(
      await shop.read("by_us/www/index.html"),
      await shop.read("site/www/index.html"),
    );
    await shop.runsHello(pinned);
  });

  scenario(
    "each layout that regctl and crane can build, we pull, look at and run",
    async (shop) => {
      const { tools } = shop;
      await shop.write("app.wasm", await hello());
      await shop.write("data.txt", "data");
      await shop.write("cncf.json", JSON.stringify({ os: "wasip1", architecture: "wasm" }));
      await shop.write("empty.json", "{}");
      const module = { module: true } as const;
      const put = async (
        image: string,
        config: readonly [string, string],
        files: readonly (readonly [string, string])[],
      ): Promise<void> => {
        const flags = files.flatMap(([file, type]) => ["--file", file, "--file-media-type", type]);
        await tools.run(
          "regctl",
          ...["artifact", "put", "--config-type", config[0], "--config-file", config[1]],
          ...flags,
          ...["--file-title", image],
        );
      };
      const wasm = "application/wasm";
      const legacy = "application/vnd.wasm.content.layer.v1+wasm";
      const alliance = "application/vnd.bytecodealliance.wasm.component.layer.v0+wasm";
      await put(shop.image("cncf"), [CNCF_CONFIG, "cncf.json"], [["app.wasm", wasm]]);
      await put(shop.image("files"), [CNCF_CONFIG, "cncf.json"], [
        ["app.wasm", wasm],
        ["data.txt", "text/plain"],
      ]);
      await put(
        shop.image("legacy"),
        ["application/vnd.wasm.config.v1+json", "empty.json"],
        [["app.wasm", legacy]],
      );
      await put(shop.image("alliance"), [OCI_CONFIG, "cncf.json"], [["app.wasm", alliance]]);
      await buildTree(shop, "tree");
      await tools.run(
        "crane",
        "index",
        "append",
        "-m",
        shop.image("tree"),
        "-t",
        shop.image("index"),
      );
      await tools.run(
        "regctl",
        "image",
        "mod",
        shop.image("tree"),
        "--layer-compress",
        "zstd",
        "--create",
        shop.image("zstd"),
      );
      await tools.run(
        "regctl",
        "image",
        "mod",
        shop.image("tree"),
        "--to-docker",
        "--create",
        shop.image("docker"),
      );

      const layouts: Readonly<Record<string, { layout: string; module?: true }>> = {
        cncf: { layout: "wasm-artifact", ...module },
        files: { layout: "wasm-artifact", ...module },
        legacy: { layout: "wasm-to-oci", ...module },
        alliance: { layout: "bytecodealliance", ...module },
        tree: { layout: "container-image" },
        index: { layout: "container-image" },
        zstd: { layout: "container-image" },
        docker: { layout: "container-image" },
      };
      for (const [name, expected] of Object.entries(layouts)) {
        const image = shop.image(name);
        const { stdout } = await shop.krustlet("inspect", image, "-o", "json");
        const report = JSON.parse(stdout);
        assert.deepEqual([report.layout, report.runs], [expected.layout, true], stdout);
        if (expected.module) assert.deepEqual(report.exports.toSorted(), ["_start", "memory"]);
        await shop.runsHello(image);
      }
    },
  );
}

/** A `FROM scratch` image with an entrypoint, built by crane. */
async function buildTree(shop: Shop, repository: string): Promise<void> {
  const { tools } = shop;
  const tar = new Deno.Command("tar", { args: ["-cf", "layer.tar", "app.wasm"], cwd: tools.path });
  assert.ok((await tar.output()).success);
  const base = shop.image(repository, "base");
  await tools.run("crane", "append", "--oci-empty-base", "-f", "layer.tar", "-t", base);
  await tools.run(
    "crane",
    ...["mutate", base, "--entrypoint", "/app.wasm", "--set-platform", "wasip1/wasm"],
    ...["-t", shop.image(repository)],
  );
}

const onCrane = scenarioOf("go-containerregistry's registry");

onCrane("skopeo, where it is installed, copies what we push, and we run its copy", async (shop) => {
  if (!await isInstalled("skopeo")) return;
  const { tools } = shop;
  await shop.write("app.wasm", await hello());
  const image = shop.image("ours/app");
  const { stdout } = await shop.krustlet("push", "app.wasm", image);
  await tools.run(
    "skopeo",
    "copy",
    ...tools.skopeoFlags("src"),
    `docker://${image}`,
    "oci:kept:v1",
  );
  const copy = shop.image("theirs/app");
  await tools.run(
    "skopeo",
    "copy",
    ...tools.skopeoFlags("dest"),
    "oci:kept:v1",
    `docker://${copy}`,
  );
  const digest = (await tools.run("crane", "digest", copy)).trim();
  assert.equal(digest, stdout.trim().split("@")[1]);
  await shop.runsHello(copy);
});

onCrane(
  "Python's oras, where it is installed, pulls what we push, and pushes what we run",
  async (shop) => {
    if (!await isInstalled("oras")) return;
    const { tools } = shop;
    await shop.write("app.wasm", await hello());
    const image = shop.image("ours/app");
    await shop.krustlet("push", "app.wasm", image);
    await tools.run("oras", "pull", image, "by_oras");
    assert.deepEqual(await shop.read("by_oras/app.wasm"), await hello());
    const theirs = shop.image("theirs/app");
    await tools.run("oras", "push", theirs, "app.wasm:application/wasm");
    await shop.runsHello(theirs);
  },
);

const onDistribution = scenarioOf("distribution");

onDistribution("wasm-to-oci's form is pushed on demand, and runs", async (shop) => {
  const { tools } = shop;
  await shop.write("app.wasm", await hello());
  const image = shop.image("legacy");
  await shop.krustlet("push", "app.wasm", image, "--format", "wasm-to-oci");
  const { config, layers } = JSON.parse(await tools.run("crane", "manifest", image)) as Manifest;
  assert.equal(config.mediaType, "application/vnd.wasm.config.v1+json");
  assert.equal(layers[0]?.mediaType, "application/vnd.wasm.content.layer.v1+wasm");
  await shop.runsHello(image);
});

onDistribution("the same files make the same digest, whenever they are pushed", async (shop) => {
  await shop.write("one/app.wasm", await hello());
  await shop.write("one/data", "data");
  const first = await shop.krustlet("push", "one", shop.image("same"));
  await shop.write("two/data", "data");
  await shop.write("two/app.wasm", await hello());
  const second = await shop.krustlet("push", "two", shop.image("same", "v2"));
  assert.equal(first.stdout, second.stdout);
  assert.match(second.stderr, /app\.wasm .* already there/);
});

clusterTest("push, pull and inspect end with codes and words for people", async () => {
  await using registry = await startPrivate("basic");
  const { host, caPem } = registry;
  // Without the user, and without the authority.
  await using strangers = await OciTools.open({ host, caPem: caPem! });
  await using unsafe = await OciTools.open({ host, caPem: caPem! });
  const cwd = strangers.path;
  await Deno.writeFile(join(cwd, "app.wasm"), await hello());
  await Deno.writeTextFile(join(cwd, "run.sh"), "#!/bin/sh\n");
  const image = `${host}/private/app:v1`;
  const flags = strangers.krustletFlags;
  const blind = ["--data-dir", join(unsafe.path, "data"), "--docker-config-dir", unsafe.path];
  const table: [string[], number, RegExp][] = [
    [["push", ...flags, "app.wasm", image], 1, /Cannot push "app\.wasm" to .*docker login/],
    [["pull", ...flags, image], 1, /Cannot pull image .*docker login/],
    [["inspect", ...flags, image], 1, /Cannot inspect image .*docker login/],
    [["push", ...blind, "app.wasm", image], 1, /unknown authority; .*--registry-ca/],
    [["pull", ...blind, "--insecure", image], 1, /answered 400 .*is it a registry\?/],
    [["push", ...flags, "run.sh", image], 2, /"run\.sh": it is not a WebAssembly module/],
    [["push", ...flags, "nothing.wasm", image], 2, /"nothing\.wasm": it is not there/],
    [["push", "app.wasm"], 2, /an image is missing; as in: krustlet push/],
    [["inspect", "./run.sh"], 2, /Cannot inspect "\.\/run\.sh": it is not a WebAssembly module/],
    [["pull", "No/Such"], 2, /must be lower case/],
  ];
  for (const [args, expected, message] of table) {
    const { code, stdout, stderr } = await runKrustlet(args, { cwd });
    assert.equal(code, expected, `${args}: ${stderr}`);
    assert.match(stderr, message);
    assert.equal(stderr.trimEnd().split("\n").length, 1, `more than a sentence: ${stderr}`);
    assert.equal(stdout, "");
  }
});
