import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { fetchKubernetes } from "./fetch_kubernetes.ts";

const BIN = "/release/v1.99.0/bin/linux/amd64";

/** A server that has Kubernetes v1.99.0, whose programs have one hash or another. */
function serve(hash: (text: string) => string): AsyncDisposable & { readonly from: string } {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/release/stable.txt") return new Response("v1.99.0\n");
    if (pathname === "/release/odd.txt") return new Response("../../etc");
    const [, program, suffix] = new RegExp(`^${BIN}/([a-z-]+)(\\.sha256)?$`).exec(pathname) ?? [];
    if (program === undefined) return new Response(null, { status: 404 });
    return new Response(suffix === undefined ? program : hash(program));
  });
  return {
    from: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

Deno.test("fetchKubernetes() fills a folder with verified programs, and etcd", async () => {
  const to = await Deno.makeTempDir();
  await using server = serve(sha256);
  const wishes = { from: server.from, to, platform: "linux/amd64", etcd: "/bin/echo" };
  try {
    assert.equal(await fetchKubernetes({ ...wishes, release: "stable" }), "v1.99.0");
    assert.equal(await Deno.readTextFile(join(to, "kube-apiserver")), "kube-apiserver");
    assert.match(await Deno.readTextFile(join(to, "etcd")), /exec '\/bin\/echo' etcd "\$@"/);
    await assert.rejects(fetchKubernetes({ ...wishes, release: "odd" }), /is no version/);
    await assert.rejects(fetchKubernetes({ ...wishes, release: "v1.0.0" }), /says 404/);
  } finally {
    await Deno.remove(to, { recursive: true });
  }
});

Deno.test("fetchKubernetes() writes nothing that has another hash", async () => {
  const to = await Deno.makeTempDir();
  await using server = serve(() => sha256("something else"));
  const wishes = { from: server.from, to, platform: "linux/amd64", etcd: "/bin/echo" };
  try {
    await assert.rejects(fetchKubernetes({ ...wishes, release: "v1.99.0" }), /Cannot use/);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(to)), []);
  } finally {
    await Deno.remove(to, { recursive: true });
  }
});
