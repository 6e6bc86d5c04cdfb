/** krustlet push, pull, inspect and run, together with other projects' registries and tools. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { guest } from "./guests/build.ts";
import { runKrustlet } from "./harness/command.ts";
import {
  allOf,
  type Exchange,
  REGISTRIES,
  type RegistryKind,
  startPrivateRegistry,
  useExchange,
} from "./harness/exchange.ts";
import { OciTools } from "./harness/oci_tools.ts";
import { clusterTest } from "./harness/testbed.ts";
import { hasPythonOras, PYTHON_MISSING } from "./parts/python_oras.ts";

const CNCF_CONFIG = "application/vnd.wasm.config.v0+json";
const TITLE = "org.opencontainers.image.title";
const PAGE = "site/www/index.html";

const python = await hasPythonOras();
/** Said by the names of the tests without it. */
const pythonToo = python ? "Python's oras" : `(NOT Python's oras: ${PYTHON_MISSING})`;

async function hello(): Promise<Uint8Array> {
  return await Deno.readFile(await guest("hello"));
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

/** Pushes a module with a file, and answers the image's digest and its name by digest. */
async function pushSite(exchange: Exchange): Promise<{ digest: string; pinned: string }> {
  await exchange.write("site/app.wasm", await hello());
  await exchange.write(PAGE, "page");
  const { stdout } = await exchange.krustlet(
    "push",
    ...["site", exchange.image("ours/site"), "--tag", "latest", "--annotation", "version=1.2.0"],
    ...["-o", "json"],
  );
  return JSON.parse(stdout);
}

/** What a tool has pulled into `folder` must be what we have pushed. */
async function holdsSite(exchange: Exchange, folder: string): Promise<void> {
  assert.deepEqual(await exchange.read(`${folder}/app.wasm`), await hello(), folder);
  const page = `${folder}/www/index.html`;
  assert.deepEqual(await exchange.read(page), await exchange.read(PAGE), folder);
}

/** An image layout that a tool has written. */
async function layoutHoldsSite(
  exchange: Exchange,
  folder: string,
  { layers }: Manifest,
): Promise<void> {
  const [module, page] = layers.map(({ digest }) => join("blobs", digest.replace(":", "/")));
  assert.deepEqual(await exchange.read(`${folder}/${module}`), await hello(), folder);
  assert.deepEqual(await exchange.read(`${folder}/${page}`), await exchange.read(PAGE), folder);
}

for (const kind of Object.keys(REGISTRIES) as RegistryKind[]) {
  const scenario = useExchange(kind);

  scenario(
    `what we push, crane, regctl, skopeo, oras, ${pythonToo} and we ourselves pull`,
    async (exchange) => {
      const { registry } = exchange;
      const image = exchange.image("ours/site");
      const { digest, pinned } = await pushSite(exchange);
      assert.equal(pinned, `${registry.host}/ours/site@${digest}`);

      const [text, ...digests] = await allOf([
        exchange.run("crane", "manifest", image),
        exchange.run("crane", "digest", image),
        exchange.run("crane", "digest", exchange.image("ours/site", "latest")),
      ]);
      assert.deepEqual(digests.map((line) => line.trim()), [digest, digest]);
      const manifest = JSON.parse(text) as Manifest;
      assert.deepEqual(
        manifest.layers.map(({ mediaType, annotations }) => [mediaType, annotations?.[TITLE]]),
        [["application/wasm", "app.wasm"], ["application/octet-stream", "www/index.html"]],
      );
      assert.equal(manifest.config.mediaType, CNCF_CONFIG);
      assert.equal(manifest.annotations?.["org.opencontainers.image.version"], "1.2.0");

      await Deno.mkdir(exchange.path("by_regctl"));
      const get = ["get", "--output", "by_regctl", image];
      await allOf([
        exchange.run("crane", "pull", "--format=oci", image, "by_crane"),
        exchange.run("crane", "copy", image, exchange.image("by/crane")),
        exchange.run("regctl", "artifact", ...get),
        exchange.run("skopeo", "copy", `docker://${image}`, "oci:by_skopeo:v1"),
        exchange.run("oras", "pull", "--output", "by_oras", image),
        ...(python ? [exchange.run("python-oras", "pull", image, "by_python")] : []),
      ]);
      await layoutHoldsSite(exchange, "by_crane", manifest);
      await layoutHoldsSite(exchange, "by_skopeo", manifest);
      await holdsSite(exchange, "by_regctl");
      await holdsSite(exchange, "by_oras");
      if (python) await holdsSite(exchange, "by_python");

      const copy = exchange.image("by/skopeo");
      await exchange.run("skopeo", "copy", "oci:by_skopeo:v1", `docker://${copy}`);
      assert.equal((await exchange.run("crane", "digest", copy)).trim(), digest);
      await exchange.krustlet("pull", exchange.image("by/crane"), "-o", "by_us/", "-q");
      await holdsSite(exchange, "by_us");
      await exchange.runsHello(pinned, copy);
    },
  );
}

const onDistribution = useExchange("distribution");

onDistribution("wasm-to-oci's form is pushed on demand, and runs", async (exchange) => {
  await exchange.write("app.wasm", await hello());
  const image = exchange.image("legacy");
  await exchange.krustlet("push", "app.wasm", image, "--format", "wasm-to-oci");
  const { config, layers } = JSON.parse(
    await exchange.run("crane", "manifest", image),
  ) as Manifest;
  assert.equal(config.mediaType, "application/vnd.wasm.config.v1+json");
  assert.equal(layers[0]?.mediaType, "application/vnd.wasm.content.layer.v1+wasm");
  await exchange.runsHello(image);
});

onDistribution(
  "the same files make the same digest, whenever they are pushed",
  async (exchange) => {
    await exchange.write("one/app.wasm", await hello());
    await exchange.write("one/data", "data");
    const first = await exchange.krustlet("push", "one", exchange.image("same"));
    await exchange.write("two/data", "data");
    await exchange.write("two/app.wasm", await hello());
    const second = await exchange.krustlet("push", "two", exchange.image("same", "v2"));
    assert.equal(first.stdout, second.stdout);
    assert.match(second.stderr, /app\.wasm .* already there/);
  },
);

clusterTest("push, pull and inspect end with codes and words for people", async () => {
  await using registry = await startPrivateRegistry("basic");
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
