/**
 * Builds the Go programs that the tests run against.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cached, hashFolder } from "./cache.ts";
import { runTool, withProgress } from "./run.ts";

/** Older ones cannot fetch the toolchain that a go.mod asks for. */
const GO_OLDEST = [1, 21] as const;

/** A program: a folder of `tests/`, and a package if it is not that folder's own. */
interface Program {
  readonly about: string;
  readonly ldflags: string;
  /** @default {the program's name} */
  readonly folder?: string;
  readonly package?: string;
  readonly tags?: string;
}

const PROGRAMS = {
  aide: { about: "the tests' aide", ldflags: "-s -w" },
  registry: { about: "an OCI registry (about 1 minute)", ldflags: "-s -w" },
  control_plane: {
    about: "etcd and Kubernetes' control plane (4 to 8 minutes)",
    // Without the version the API server calls itself v0.0.0, and clients draw their conclusions.
    ldflags: "-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3",
  },
  stream_client: { about: "a client of streams", ldflags: "-s -w" },
  metrics_lint: { about: "Prometheus' reader of metrics", ldflags: "-s -w" },
  actionlint: {
    about: "the checker of workflow files",
    ldflags: "-s -w",
    package: "github.com/rhysd/actionlint/cmd/actionlint",
  },
  crane: {
    about: "crane (about 1 minute)",
    ldflags: "-s -w",
    folder: "oci_tools",
    package: "github.com/google/go-containerregistry/cmd/crane",
  },
  regctl: {
    about: "regctl (about 1 minute)",
    ldflags: "-s -w",
    folder: "oci_tools",
    package: "github.com/regclient/regclient/cmd/regctl",
  },
  skopeo: {
    about: "skopeo's engine (about 1 minute)",
    ldflags: "-s -w",
    folder: "oci_tools",
    package: "./skopeo",
    // Without them it needs C libraries for signatures, and brings the storage of containers along.
    tags: "containers_image_openpgp,containers_image_storage_stub," +
      "containers_image_docker_daemon_stub,exclude_graphdriver_btrfs",
  },
  metrics_server: {
    about: "metrics-server (about 3 minutes)",
    ldflags: "-s -w",
    package: "sigs.k8s.io/metrics-server/cmd/metrics-server",
  },
  oras: {
    about: "oras",
    ldflags: "-s -w",
    folder: "oci_tools",
    package: "./oras",
  },
} as const satisfies Readonly<Record<string, Program>>;

/** A Go program that the tests run against. */
export type GoProgram = keyof typeof PROGRAMS;

const built = new Map<GoProgram, Promise<string>>();

/** Answers the path of a Go program, built if need be. Its sources are looked at once in a process. */
export function goProgram(name: GoProgram): Promise<string> {
  let path = built.get(name);
  if (path === undefined) built.set(name, path = buildProgram(name));
  return path;
}

async function buildProgram(name: GoProgram): Promise<string> {
  const program: Program = PROGRAMS[name];
  const { about, ldflags, folder: of = name, package: wanted = ".", tags } = program;
  const source = fileURLToPath(new URL(`../${of}`, import.meta.url));
  // Of a program that another project has written, the version is all that is ours.
  const ours = wanted.startsWith(".") ? /\.go$|^go\.(mod|sum)$/ : /^go\.(mod|sum)$/;
  const sources = await hashFolder(source, (file) => ours.test(file));
  const folder = await cached({
    name,
    inputs: [
      ...[sources, await goVersion(), ldflags],
      ...(wanted === "." ? [] : [wanted]),
      ...(tags === undefined ? [] : [tags]),
    ],
    build: (output) =>
      withProgress(about, async () => {
        const build = (): Promise<string> =>
          runTool(
            [
              ...["go", "build", "-trimpath", "-ldflags", ldflags] as const,
              ...(tags === undefined ? [] : ["-tags", tags]),
              ...["-o", join(output, name), wanted],
            ],
            { cwd: source, env: { CGO_ENABLED: "0" } },
          );
        // Hundreds of modules are fetched: one failed download should not cost the whole run.
        await build().catch(build);
      }),
  });
  return join(folder, name);
}

/**
 * What `go version` says, as `go1.26.8 linux/amd64`.
 *
 * @throws {Error} if Go is not there or too old.
 */
export async function goVersion(): Promise<string> {
  let said: string;
  try {
    said = await runTool(["go", "env", "GOVERSION", "GOOS", "GOARCH"]);
  } catch (error) {
    throw new Error(
      "Cannot build the parts that the tests need: Go was not found; install it from https://go.dev/dl",
      { cause: error },
    );
  }
  const [version = "", os, arch] = said.trim().split("\n");
  const [major = 0, minor = 0] = (/^go(\d+)\.(\d+)/.exec(version) ?? []).slice(1).map(Number);
  if (major < GO_OLDEST[0] || (major === GO_OLDEST[0] && minor < GO_OLDEST[1])) {
    throw new Error(
      `Cannot build the parts that the tests need: Go is ${version}, and ${GO_OLDEST.join(".")} \
or newer is needed; install it from https://go.dev/dl`,
    );
  }
  return `${version} ${os}/${arch}`;
}
