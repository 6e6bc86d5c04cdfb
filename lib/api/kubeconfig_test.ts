import assert from "node:assert/strict";
import path from "node:path";
import { stringify } from "yaml";
import { isKubeletError, KubeletError } from "../errors.ts";
import { KUBECONFIG_NOT_FOUND, kubeconfigPaths, loadKubeconfig } from "./kubeconfig.ts";

const PEM = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";

interface Folder extends AsyncDisposable {
  readonly path: string;
  /** Writes a file and gives its path. */
  write(name: string, content: unknown): Promise<string>;
}

async function folder(): Promise<Folder> {
  const root = await Deno.makeTempDir();
  return {
    path: root,
    async write(name: string, content: unknown): Promise<string> {
      const file = path.join(root, name);
      await Deno.mkdir(path.dirname(file), { recursive: true });
      await Deno.writeTextFile(file, typeof content === "string" ? content : stringify(content));
      return file;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await Deno.remove(root, { recursive: true });
    },
  };
}

function base64(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}

/** A kubeconfig with one context `x`; `user` and `cluster` are its settings. */
function config(user: object, cluster: object = {}): object {
  return {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster: { server: "https://10.0.0.1:6443", ...cluster } }],
    users: [{ name: "u", user }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u", namespace: "ns" } }],
    "current-context": "x",
  };
}

async function load(file: string, context?: string): ReturnType<typeof loadKubeconfig> {
  return await loadKubeconfig({ path: file, context });
}

Deno.test("loadKubeconfig() reads inline data", async () => {
  await using dir = await folder();
  const file = await dir.write(
    "config",
    config(
      { "client-certificate-data": base64("CERT"), "client-key-data": base64("KEY") },
      { "certificate-authority-data": base64(PEM), "tls-server-name": "kube" },
    ),
  );
  assert.deepEqual(await load(file), {
    server: "https://10.0.0.1:6443",
    caPem: PEM,
    certPem: "CERT",
    keyPem: "KEY",
    tlsServerName: "kube",
    namespace: "ns",
    context: "x",
    cluster: "c",
    user: "u",
    files: [file],
  });
});

Deno.test("loadKubeconfig() reads files relative to the kubeconfig's folder, data first", async () => {
  await using dir = await folder();
  await dir.write("pki/ca.pem", PEM);
  await dir.write("pki/node.pem", "BOTH");
  const file = await dir.write(
    "sub/config",
    config(
      {
        "client-certificate": "../pki/node.pem",
        "client-key": path.join(dir.path, "pki/node.pem"),
        "client-key-data": base64("KEY"),
      },
      { "certificate-authority": "../pki/ca.pem" },
    ),
  );
  const access = await load(file);
  assert.equal(access.caPem, PEM);
  assert.equal(access.certPem, "BOTH");
  assert.equal(access.keyPem, "KEY");
});

Deno.test("loadKubeconfig() prefers tokenFile to token, as kubectl does", async () => {
  await using dir = await folder();
  await dir.write("token", "from-file\n");
  const both = await dir.write("both", config({ token: "inline", tokenFile: "token" }));
  assert.equal(await (await load(both)).token?.(), "from-file");
  const inline = await dir.write("inline", JSON.stringify(config({ token: "inline" })));
  assert.equal(await (await load(inline)).token?.(), "inline");
});

Deno.test("loadKubeconfig() joins the files of KUBECONFIG: of each name the first counts", async () => {
  await using dir = await folder();
  const a = await dir.write("a", {
    users: [{ name: "u", user: { token: "a" } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "",
  });
  const b = await dir.write("sub/b", {
    ...config({ token: "b", tokenFile: "gone" }, { "certificate-authority": "ca.pem" }),
    contexts: [{ name: "y", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  });
  await dir.write("sub/ca.pem", PEM);
  const env = { KUBECONFIG: [a, path.join(dir.path, "absent"), "", b].join(path.delimiter) };
  const access = await loadKubeconfig({ env });
  assert.equal(await access.token?.(), "a");
  assert.equal(access.caPem, PEM);
  assert.equal(access.context, "x");
  assert.equal(access.namespace, undefined);
  assert.deepEqual(access.files, [a, b]);
  assert.equal((await loadKubeconfig({ env, context: "y" })).context, "y");
});

Deno.test("kubeconfigPaths() falls back to the home folder", () => {
  assert.deepEqual(kubeconfigPaths({ env: { HOME: "/h" } }), [path.join("/h", ".kube", "config")]);
  assert.deepEqual(kubeconfigPaths({ env: { USERPROFILE: "/p", KUBECONFIG: "" } }), [
    path.join("/p", ".kube", "config"),
  ]);
});

Deno.test("loadKubeconfig() tells a missing file apart from a wrong one", async () => {
  await using dir = await folder();
  await assert.rejects(
    loadKubeconfig({ env: { HOME: dir.path } }),
    (error) =>
      error instanceof KubeletError && error.reason === KUBECONFIG_NOT_FOUND &&
      error.message.includes(dir.path),
  );
});

Deno.test("loadKubeconfig() names the file and what is wrong in it", async () => {
  const half = { "client-certificate-data": base64("CERT") };
  const table: [content: unknown, words: RegExp][] = [
    ["a: [", /neither YAML nor JSON/],
    ["[]", /it is not a mapping/],
    ["", /it is not a mapping/],
    [{ kind: "Pod" }, /its kind is "Pod"/],
    [{ clusters: {} }, /clusters is not a list/],
    [{ users: [{ user: {} }] }, /users\[0\] is not a name with a user/],
    [{ contexts: [] }, /no current-context\. It has no contexts/],
    [{ ...config({}), "current-context": "z" }, /no context "z"\. It has the contexts "x"/],
    [{ ...config({}), clusters: [] }, /context "x" names cluster "c", which is absent/],
    [{ ...config({}), users: [] }, /context "x" names user "u", which is absent/],
    [config({}, { server: "" }), /cluster "c" has no server/],
    [config({}, { "certificate-authority-data": "%" }), /certificate-authority-data .* not base64/],
    [config({}, { "certificate-authority": "gone.pem" }), /cannot read ".*gone\.pem" \(certif/],
    [config({}, { "proxy-url": "ftp://p" }), /proxy-url "ftp:\/\/p" of cluster "c"/],
    [config({}, { "insecure-skip-tls-verify": "yes" }), /neither true nor false/],
    [config({ token: 12345 }), /token of "u" is not a text; put it into quotes/],
    [config({ tokenFile: "gone" }), /cannot read ".*gone" \(tokenFile of "u"\)/],
    [config({ username: "a", password: "b" }), /user "u" has a username.*no passwords/],
    [config({ as: "root", token: "t" }), /impersonation is not supported/],
    [config(half), /user "u" has no client-key, only the other half/],
    [config({ exec: { command: "x", interactiveMode: "Always" } }), /talk to a person/],
    [config({ exec: {} }), /exec plugin of user "u" has no command/],
  ];
  await using dir = await folder();
  for (const [i, [content, words]] of table.entries()) {
    const file = await dir.write(`config-${i}`, content);
    await assert.rejects(load(file), (error) => {
      assert(isKubeletError(error, "invalid"), String(error));
      assert(error.message.includes(file), error.message);
      assert.match(error.message, words);
      return true;
    });
  }
});

/** A program that answers with an ExecCredential. It needs a shell. */
function plugin(status: string): object {
  return { command: "./plugin.sh", env: [{ name: "STATUS", value: status }] };
}

const PLUGIN = `#!/bin/sh
echo run >> "$(dirname "$0")/runs"
printf '%s' "$KUBERNETES_EXEC_INFO" > "$(dirname "$0")/info"
printf '{"kind":"ExecCredential","status":%s}' "$STATUS"
`;

Deno.test({
  name: "loadKubeconfig() runs an exec plugin by the exec protocol and keeps its token",
  ignore: Deno.build.os === "windows", // the plugin is a shell script
  async fn(): Promise<void> {
    await using dir = await folder();
    await Deno.chmod(await dir.write("plugin.sh", PLUGIN), 0o700);
    const exec = plugin('{"token":"t-1","expirationTimestamp":"2999-01-01T00:00:00Z"}');
    const user = {
      exec: {
        ...exec,
        apiVersion: "client.authentication.k8s.io/v1",
        interactiveMode: "Never",
        provideClusterInfo: true,
      },
    };
    const access = await load(await dir.write("config", config(user)));
    assert.equal(await access.token?.(), "t-1");
    assert.equal(await access.token?.(), "t-1");
    assert.equal(await Deno.readTextFile(path.join(dir.path, "runs")), "run\n");
    assert.deepEqual(JSON.parse(await Deno.readTextFile(path.join(dir.path, "info"))), {
      apiVersion: "client.authentication.k8s.io/v1",
      kind: "ExecCredential",
      spec: { interactive: false, cluster: { server: "https://10.0.0.1:6443" } },
    });

    const pair = plugin('{"clientCertificateData":"CERT","clientKeyData":"KEY"}');
    const paired = await load(await dir.write("pair", config({ exec: pair })));
    assert.deepEqual([paired.certPem, paired.keyPem, paired.token], ["CERT", "KEY", undefined]);

    const nothing = await dir.write("nothing", config({ exec: plugin("{}") }));
    await assert.rejects(load(nothing), /"\.\/plugin\.sh" of user "u" gave neither a token nor/);
  },
});

Deno.test("loadKubeconfig() passes on how to install a plugin that is missing", async () => {
  await using dir = await folder();
  const exec = { command: "./absent", installHint: "Install it with care" };
  const file = await dir.write("config", config({ exec }));
  await assert.rejects(load(file), (error) => {
    assert(isKubeletError(error, "invalid"), String(error));
    assert.match(error.message, /exec plugin "\.\/absent" of user "u" failed: .*ENOENT/);
    assert.match(error.message, /Install it with care$/);
    return true;
  });
});

Deno.test("loadKubeconfig() takes an OIDC user's token, and refuses an unknown provider", async () => {
  await using dir = await folder();
  const part = (value: object): string =>
    new TextEncoder().encode(JSON.stringify(value)).toBase64({ alphabet: "base64url" });
  const idToken = `${part({ alg: "none" })}.${part({ exp: 32_503_680_000 })}.x`;
  const oidc = { name: "oidc", config: { "id-token": idToken, "client-id": "c" } };
  const access = await load(await dir.write("oidc", config({ "auth-provider": oidc })));
  assert.equal(await access.token?.(), idToken);
  const unknown = await dir.write("unknown", config({ "auth-provider": { name: "nobody" } }));
  await assert.rejects(load(unknown), /auth-provider "nobody" of user "u" gave neither/);
});
