/**
 * The images that the suite's pods ask for, with Wasm in them.
 *
 * @module
 */
import { type LayerFiles, pushTree } from "../harness/push_tree.ts";
import type { RegistryAddress } from "../harness/push.ts";
import { buildPrograms } from "./programs.ts";

/** Tools that scripts start by their own names; busybox knows by which one it was called. */
const TOOLS = (
  "sh [ [[ awk basename bash cat cp curl cut date dd df dirname echo env false find grep head hexdump " +
  "hostname id ln ls mkdir mv nc printenv printf pwd readlink rm sleep sort stat sync tail tee test " +
  "touch tr true uname wc wget whoami"
).split(" ");
/** The names of the suite's registries that are one of ours; the invalid one stays invalid. */
const REGISTRIES = [
  "buildImageRegistry",
  "cloudProviderGcpRegistry",
  "dockerLibraryRegistry",
  "gcEtcdRegistry",
  "gcRegistry",
  "privateRegistry",
  "promoterE2eRegistry",
  "sigStorageRegistry",
] as const;
/** What every image's programs expect of an environment. */
const ENV = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"];

/** Pushes all images, and answers the content of the file that tells the suite where they are. */
export async function pushImages(registry: RegistryAddress): Promise<string> {
  const { busybox, agnhost, pause, certificate } = await buildPrograms();
  const shell = shellTree(busybox);
  const push = (
    name: string,
    tag: string,
    files: LayerFiles,
    run: Readonly<Record<string, unknown>>,
  ): Promise<unknown> =>
    pushTree(registry, {
      repo: name,
      tag,
      layers: [{ packing: "gzip", files }],
      run: { Env: ENV, ...run },
    });
  await push("busybox", "1.37.0-1", shell, { Cmd: ["sh"] });
  await push("nonroot", "1.5", shell, { Cmd: ["sh"], User: "1234" });
  // A spec changes a pod's image to these and leaves its command, which is a shell's.
  for (const tag of ["1.15-4", "1.27-0"]) await push("nginx", tag, shell, { Cmd: ["sleep", "1d"] });
  // Wanted for its shell and for hostname.
  await push("glibc-dns-testing", "2.0.0", shell, { Cmd: ["sh"] });
  const tree: LayerFiles = {
    ...shell,
    ...certificate,
    "agnhost": agnhost,
    "agnhost-2": { link: "agnhost" },
  };
  for (const tag of ["2.55", "2.63.0"]) {
    await push("agnhost", tag, tree, { Entrypoint: ["/agnhost"], Cmd: ["pause"] });
  }
  // Mounted as a volume, and looked into.
  await push("kitten", "1.8", {
    ...tree,
    "data.json": new TextEncoder().encode('{"image": "kitten.jpg"}\n'),
    "etc/os-release": new TextEncoder().encode('NAME="Alpine Linux"\nID=alpine\n'),
  }, { Entrypoint: ["/agnhost"], Cmd: ["test-webserver"] });
  // Its counterpart ends at the first SIGTERM.
  await push("pause", "3.10.2", { "pause": pause }, {
    Entrypoint: ["/pause"],
    StopSignal: "SIGKILL",
  });
  return JSON.stringify(Object.fromEntries(REGISTRIES.map((name) => [name, registry.host])));
}

function shellTree(busybox: Uint8Array): LayerFiles {
  const links = TOOLS.map((tool) => [`bin/${tool}`, { link: "busybox" }] as const);
  return {
    "bin/": "folder",
    "etc/": "folder",
    "tmp/": "folder",
    "bin/busybox": busybox,
    ...Object.fromEntries(links),
  };
}
