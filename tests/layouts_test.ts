/** Every layout that other people's tools can build: we look at it, and it runs. */
import assert from "node:assert/strict";
import { guest } from "./guests/build.ts";
import {
  allOf,
  type Exchange,
  REGISTRIES,
  type RegistryKind,
  useExchange,
} from "./harness/exchange.ts";
import { hasPythonOras, PYTHON_MISSING } from "./parts/python_oras.ts";
import { runTool } from "./parts/run.ts";

const CNCF_CONFIG = "application/vnd.wasm.config.v0+json";
const OLD_CONFIG = "application/vnd.wasm.config.v1+json";
const OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
const WASM = "application/wasm";
const OLD_WASM = "application/vnd.wasm.content.layer.v1+wasm";
const ALLIANCE_WASM = "application/vnd.bytecodealliance.wasm.component.layer.v0+wasm";

/** Inspections at once: more would only wait for the processors. */
const PROCESSES_MAX = 4;

const python = await hasPythonOras();
/** Said by the names of the tests without it. */
const pythonToo = python ? "Python's oras" : `(NOT Python's oras: ${PYTHON_MISSING})`;

type Layout =
  | "wasm-artifact"
  | "wasm-layer"
  | "wasm-to-oci"
  | "bytecodealliance"
  | "container-image";

/** Repositories by their layout; each holds one image that says hello. */
type Built = Readonly<Record<string, Layout>>;

for (const kind of Object.keys(REGISTRIES) as RegistryKind[]) {
  useExchange(kind)(
    `each layout that crane, regctl, skopeo, oras and ${pythonToo} build, we look at and run`,
    async (exchange) => {
      await exchange.write("app.wasm", await Deno.readFile(await guest("hello")));
      await exchange.write("www/index.html", "page");
      const [artifacts, trees] = await allOf([artifactsOf(exchange), treesOf(exchange)]);
      const built: Built = { ...artifacts, ...trees };
      await looksRight(exchange, built);
      await exchange.runsHello(...Object.keys(built).map((name) => exchange.image(name)));

      for (const name of ["oras", ...(python ? ["python"] : [])]) {
        await exchange.krustlet("pull", exchange.image(name), "-o", `from_${name}/`, "-q");
        const page = await exchange.read(`from_${name}/www/index.html`);
        assert.deepEqual(page, await exchange.read("www/index.html"), name);
      }
    },
  );
}

useExchange("go-containerregistry's registry")(
  "image layouts that skopeo, crane and regctl write on disk, we look at, run and push",
  async (exchange) => {
    await exchange.write("app.wasm", await Deno.readFile(await guest("hello")));
    await treesOf(exchange);
    const tree = exchange.image("tree");
    await allOf([
      exchange.run("crane", "pull", "--format=oci", "--annotate-ref", tree, "by_crane"),
      exchange.run("regctl", "image", "copy", tree, "ocidir://by_regctl:v1"),
      exchange.run("regctl", "image", "export", tree, "exported.tar"),
    ]);
    const { path } = exchange.tools;
    const images = [
      ...[`oci:${path}/kept:v1`, `oci:${path}/by_crane`, `oci:${path}/by_regctl:v1`],
      `oci-archive:${path}/exported.tar`,
    ];
    await exchange.runsHello(...images);
    const digest = (await exchange.run("crane", "digest", tree)).trim();
    for (const [at, image] of images.entries()) {
      const report = JSON.parse((await exchange.krustlet("inspect", image, "-o", "json")).stdout);
      assert.deepEqual([report.layout, report.runs], ["container-image", true], image);
      const pushed = exchange.image(`pushed/${at}`);
      await exchange.krustlet("push", image, pushed);
      assert.equal((await exchange.run("crane", "digest", pushed)).trim(), digest, image);
    }
  },
);

/** What `krustlet inspect` says of each. */
async function looksRight(exchange: Exchange, built: Built): Promise<void> {
  const rest = Object.entries(built);
  const look = async (): Promise<void> => {
    for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
      const [name, layout] = next;
      const { stdout } = await exchange.krustlet("inspect", exchange.image(name), "-o", "json");
      const report = JSON.parse(stdout);
      assert.deepEqual([report.layout, report.runs], [layout, true], stdout);
      if (layout === "container-image") continue;
      assert.deepEqual(report.exports.toSorted(), ["_start", "memory"], stdout);
    }
  };
  await allOf(Array.from({ length: PROCESSES_MAX }, look));
}

/** Modules in layers of their own. */
async function artifactsOf(exchange: Exchange): Promise<Built> {
  const platform = { os: "wasip1", architecture: "wasm" };
  await exchange.write("cncf.json", JSON.stringify(platform));
  await exchange.write("empty.json", "{}");
  // As wkg writes it for a module that is no component.
  const created = "2026-01-01T00:00:00Z";
  await exchange.write("wkg.json", JSON.stringify({ created, ...platform, layerDigests: [] }));
  const put = async (
    name: string,
    config: readonly [file: string, type: string],
    ...files: readonly (readonly [file: string, type: string])[]
  ): Promise<string> =>
    await exchange.run(
      "regctl",
      ...["artifact", "put", "--config-file", config[0], "--config-type", config[1]] as const,
      ...files.flatMap(([file, type]) => ["--file", file, "--file-media-type", type]),
      ...(name === "wkg" ? [] : ["--file-title"]),
      exchange.image(name),
    );
  const cncf = ["cncf.json", CNCF_CONFIG] as const;
  const push = ["app.wasm:application/wasm", "www"];
  await allOf([
    put("cncf", cncf, ["app.wasm", WASM]),
    put("files", cncf, ["app.wasm", WASM], ["www/index.html", "text/html"]),
    put("wkg", ["wkg.json", CNCF_CONFIG], ["app.wasm", WASM]),
    put("legacy", ["empty.json", OLD_CONFIG], ["app.wasm", OLD_WASM]),
    put("alliance", ["cncf.json", OCI_CONFIG], ["app.wasm", ALLIANCE_WASM]),
    exchange.run("oras", "push", exchange.image("oras"), ...push),
    exchange.run("oras", "push", "--artifact-type", WASM, exchange.image("typed"), push[0]!),
    exchange.run(
      "oras",
      ...["push", "--config", `cncf.json:${CNCF_CONFIG}`, exchange.image("configured")] as const,
      ...push,
    ),
    ...(python ? [exchange.run("python-oras", "push", exchange.image("python"), ...push)] : []),
  ]);
  return {
    cncf: "wasm-artifact",
    files: "wasm-artifact",
    wkg: "wasm-artifact",
    legacy: "wasm-to-oci",
    alliance: "bytecodealliance",
    oras: "wasm-layer",
    typed: "wasm-layer",
    configured: "wasm-artifact",
    ...(python ? { python: "wasm-layer" } as const : {}),
  };
}

/** `FROM scratch` images, which hold the module in a tree of files, with an entrypoint. */
async function treesOf(exchange: Exchange): Promise<Built> {
  const { path } = exchange.tools;
  await runTool(["tar", "-cf", "layer.tar", "app.wasm"], { cwd: path });
  const image = (name: string): string => exchange.image(name);
  const run = exchange.run.bind(exchange);
  const mod = (...flags: readonly string[]): Promise<string> =>
    run("regctl", "image", "mod", ...flags);

  const base = exchange.image("tree", "base");
  await run("crane", "append", "--oci-empty-base", "-f", "layer.tar", "-t", base);
  const entrypoint = ["--entrypoint", "/app.wasm"];
  const variant = ["--annotation", "module.wasm.image/variant=compat"];
  await allOf([
    run(
      "crane",
      "mutate",
      base,
      ...entrypoint,
      "--set-platform",
      "wasip1/wasm",
      "-t",
      image("tree"),
    ),
    run("crane", "mutate", base, ...entrypoint, ...variant, "-t", image("compat")),
    run(
      "regctl",
      "image",
      "create",
      "--platform",
      "wasip1/wasm",
      exchange.image("by/regctl", "base"),
    ),
  ]);
  await allOf([
    run("crane", "index", "append", "-m", image("tree"), "-t", image("index")),
    run(
      "regctl",
      "index",
      "create",
      "--ref",
      base,
      "--ref",
      image("tree"),
      image("by/regctl-index"),
    ),
    mod(
      ...[exchange.image("by/regctl", "base"), "--layer-add", "tar=layer.tar"],
      ...["--config-entrypoint", '["/app.wasm"]', "--create", image("by/regctl")],
    ),
    mod(image("tree"), "--layer-compress", "zstd", "--create", image("zstd")),
    mod(image("tree"), "--to-docker", "--create", image("docker")),
    run("skopeo", "copy", `docker://${image("tree")}`, "oci:kept:v1"),
  ]);
  const skopeo = (name: string, ...flags: readonly string[]): Promise<string> =>
    run("skopeo", "copy", ...flags, "oci:kept:v1", `docker://${image(name)}`);
  await allOf([
    skopeo("by/skopeo"),
    skopeo("by/skopeo-zstd", "--dest-compress-format", "zstd"),
    skopeo("by/skopeo-chunked", "--dest-compress-format", "zstd:chunked"),
    skopeo("by/skopeo-docker", "--format", "v2s2"),
    run(
      "skopeo",
      ...["copy", "--all", `docker://${image("by/regctl-index")}`] as const,
      `docker://${image("by/skopeo-index")}`,
    ),
  ]);
  const names = [
    ...["tree", "compat", "index", "zstd", "docker", "by/regctl", "by/regctl-index", "by/skopeo"],
    ...["by/skopeo-zstd", "by/skopeo-chunked", "by/skopeo-docker", "by/skopeo-index"],
  ];
  return Object.fromEntries(names.map((name) => [name, "container-image"]));
}
