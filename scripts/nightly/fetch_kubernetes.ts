/**
 * Fetches the programs of another Kubernetes for the tests' control plane.
 *
 *     deno run -A scripts/nightly/fetch_kubernetes.ts [--release=stable] [--to=.cache/kubernetes] [--from=URL]
 *     KUBEBUILDER_ASSETS=$PWD/.cache/kubernetes deno run -A scripts/run_tests.ts --cluster
 *
 * A release is a version, or a channel of Kubernetes' own: `stable`, `latest` (with alphas), `latest-1.37`. etcd is the
 * one that is built for all other tests.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { goProgram } from "../../tests/parts/go_program.ts";

const DOWNLOADS = "https://dl.k8s.io";
const PROGRAMS = [
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kubectl",
] as const;
/** Bytes of a program: the API server has 100 MB. */
const PROGRAM_BYTES_MAX = 400_000_000;
const FETCH_MS_MAX = 600_000;

/** Where programs are, and where they go. */
export interface KubernetesWishes {
  readonly from: string;
  readonly to: string;
  /** A version as `v1.37.0`, or a channel. */
  readonly release: string;
  /** `linux/amd64` and the like. */
  readonly platform: string;
  /** The program that is etcd when its first argument says so. */
  readonly etcd: string;
}

/**
 * Fills the folder and answers the version. Throws, before it writes it, for a program whose SHA-256 is not the one
 * beside it.
 */
export async function fetchKubernetes(
  { from, to, release, platform, etcd }: KubernetesWishes,
): Promise<string> {
  const version = /^v\d/.test(release)
    ? release
    : new TextDecoder().decode(await download(`${from}/release/${release}.txt`)).trim();
  if (!/^v\d+\.\d+\.\d+[\w.-]*$/.test(version)) {
    throw new Error(`Cannot fetch Kubernetes "${release}": "${version}" is no version`);
  }
  await Deno.mkdir(to, { recursive: true });
  for (const program of PROGRAMS) {
    const url = `${from}/release/${version}/bin/${platform}/${program}`;
    const told = new TextDecoder().decode(await download(`${url}.sha256`)).trim();
    const bytes = await download(url);
    const found = createHash("sha256").update(bytes).digest("hex");
    if (found !== told) {
      throw new Error(`Cannot use "${url}": its SHA-256 is ${found}, and told is "${told}"`);
    }
    await Deno.writeFile(join(to, program), bytes, { mode: 0o755 });
  }
  const script = `#!/bin/sh\nexec '${etcd}' etcd "$@"\n`;
  await Deno.writeTextFile(join(to, "etcd"), script, { mode: 0o755 });
  return version;
}

async function download(url: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_MS_MAX) });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`Cannot fetch "${url}": the server says ${response.status}`);
  }
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > PROGRAM_BYTES_MAX) {
      throw new Error(`Cannot fetch "${url}": it has more than ${PROGRAM_BYTES_MAX} bytes`);
    }
    parts.push(part);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

if (import.meta.main) {
  const { values: { release, to, from } } = parseArgs({
    args: Deno.args,
    options: {
      release: { type: "string", default: "stable" },
      to: { type: "string", default: ".cache/kubernetes" },
      from: { type: "string", default: DOWNLOADS },
    },
  });
  const platform = `linux/${Deno.build.arch === "aarch64" ? "arm64" : "amd64"}`;
  const etcd = await goProgram("control_plane");
  console.log(await fetchKubernetes({ from, to, release, platform, etcd }));
}
