/**
 * How the pages are followed: what a reader has at hand on each, and what is special about it.
 *
 * @module
 */
import { join } from "node:path";
import { guest } from "../guests/build.ts";
import { eventually } from "../harness/eventually.ts";
import { freePort } from "../harness/ports.ts";
import { ociArchive } from "./oci_archive.ts";
import { ROOT } from "./page.ts";
import type { Circumstances, Reader } from "./reader.ts";
import { release } from "./release.ts";

/** One page that a reader follows. */
export interface Journey {
  readonly page: string;
  /** With a node of the cluster, by the documentation's own commands; or with a release and no program yet. */
  readonly has?: "node" | "release";
  /** Puts there what the page takes for granted. */
  prepare?(reader: Reader): Promise<Circumstances | void>;
}

/** All pages with commands that a test can type. */
export const JOURNEYS: readonly Journey[] = [
  { page: "README.md", has: "release", prepare: ownPrograms },
  { page: "docs/quickstart.md", has: "release" },
  { page: "docs/install.md", has: "release", prepare: download },
  { page: "docs/run.md", prepare: ownPrograms },
  { page: "docs/wasi.md", prepare: ownPrograms },
  { page: "docs/guests.md", prepare: servers },
  { page: "docs/node.md", prepare: nodes },
  { page: "docs/doctor.md", has: "node" },
  { page: "docs/images.md", has: "node", prepare: images },
  { page: "docs/logs.md", has: "node", prepare: restarting },
  { page: "docs/metrics.md", has: "node" },
  { page: "docs/resources.md", has: "node" },
  { page: "docs/sandbox.md", has: "node" },
];

/** A module, and manifests for it. */
async function ownPrograms(reader: Reader): Promise<void> {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "own" },
    spec: {
      restartPolicy: "Never",
      containers: [{
        name: "app",
        image: "file:./app.wasm",
        envFrom: [{ configMapRef: { name: "own", optional: true } }],
      }],
    },
  };
  const config = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "own" }, data: {} };
  await reader.write("app.wasm", await Deno.readFile(await guest("hello")));
  await reader.write("pod.yaml", JSON.stringify(pod));
  await reader.write("config.yaml", JSON.stringify(config));
  await reader.write("data/file.txt", "some text\n");
}

/** The files of a release, as somebody has downloaded them by hand. */
async function download(reader: Reader): Promise<Circumstances> {
  const folder = await release();
  for await (const { name } of Deno.readDir(folder)) {
    await reader.write(name, await Deno.readFile(join(folder, name)));
  }
  const { version } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
  // Two ways to remove it follow each other, and each wants one to remove.
  const again = async (): Promise<void> => {
    await reader.run(`sh install.sh --version ${version} --from .`);
  };
  return { before: [[/^sh install\.sh --uninstall +#/, again]] };
}

/** A Go program that serves, whose sources are in the working folder. */
async function servers(reader: Reader): Promise<Circumstances> {
  await reader.write("server.wasm", await Deno.readFile(await guest("go_sockets")));
  await reader.write("go.mod", "module example\n\ngo 1.21\n");
  await reader.write(
    "main.go",
    `package main\n\nimport "net"\n\nfunc main() { net.Listen("", "") }\n`,
  );
  const port = freePort();
  const serves = async (): Promise<void> => {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
    await connection.read(new Uint8Array(64));
  };
  return {
    lasting: [[/server\.wasm/, serves]],
    substitutes: [["127.0.0.1:8080", `127.0.0.1:${port}`]],
  };
}

/** An administrator's kubeconfig under another name, and a node that has vanished. */
async function nodes(reader: Reader): Promise<Circumstances> {
  await reader.write("admin.conf", await Deno.readFile(join(reader.home, ".kube/config")));
  return {
    before: [
      [/^kubectl drain/, () => reader.approve()],
      [/^kubectl delete node/, () => reader.stopAgent()],
      [/^krustlet smite worker-7 *#/, async () => {
        const node = { apiVersion: "v1", kind: "Node", metadata: { name: "worker-7" } };
        await reader.write("gone.json", JSON.stringify(node));
        await reader.run("kubectl create -f gone.json");
      }],
    ],
  };
}

/** Modules in the forms in which they can be pushed. */
async function images(reader: Reader): Promise<Circumstances> {
  const wasm = await Deno.readFile(await guest("hello"));
  await reader.write("hello.wasm", wasm);
  await reader.write("site/app.wasm", wasm);
  await reader.write("site/index.html", "<p>hello");
  await reader.write("app.tar", await ociArchive(wasm));
  await reader.run(
    "cp $(ls ~/.krustlet/config/krustlet.crt) ca.pem && cat ~/.krustlet/config/krustlet.key ca.pem > node.pem",
  );
  return { substitutes: [["/etc/ssl/my-ca.pem", "ca.pem"], ["/etc/ssl/node.pem", "node.pem"]] };
}

/** A pod that ends and begins again, so that there are two runs to read of. */
async function restarting(reader: Reader): Promise<void> {
  await reader.write("hello.wasm", await Deno.readFile(await guest("hello")));
  const image = `${reader.registry.host}/hello:v1`;
  await reader.run(`krustlet push hello.wasm ${image}`);
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "hello" },
    spec: {
      containers: [{ name: "web", image }],
      nodeSelector: { "kubernetes.io/arch": "wasm32-wasi" },
      tolerations: [{ key: "kubernetes.io/arch", value: "wasm32-wasi" }],
    },
  };
  await reader.write("pod.json", JSON.stringify(pod));
  await reader.run("kubectl create -f pod.json");
  await eventually("the pod to have begun again", async () =>
    Number(
      await reader.run(
        "kubectl get pod hello -o jsonpath='{.status.containerStatuses[0].restartCount}'",
      ),
    ) > 0, { withinMs: 120_000 });
}
