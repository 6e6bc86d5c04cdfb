import assert from "node:assert/strict";
import { join } from "node:path";
import type { Pod } from "../api/types.ts";
import { type TreeEntry, TreeIndex } from "../images/layout/tree_index.ts";
import { hostFiles, hostnameOf, hostsText, placeHostFiles } from "./host_files.ts";

const pod = (spec: object = {}, name = "web"): Pod => ({
  metadata: { name, namespace: "shop" },
  spec: { containers: [], ...spec },
});

Deno.test("hostnameOf() is what the pod says, cut to what a system takes", () => {
  assert.equal(hostnameOf(pod()), "web");
  assert.equal(hostnameOf(pod({ hostname: "db" })), "db");
  assert.equal(
    hostnameOf(pod({ hostname: "db", hostnameOverride: "over.example" })),
    "over.example",
  );
  assert.equal(hostnameOf(pod({}, `${"a".repeat(62)}-b`)), "a".repeat(62));
});

Deno.test("hostsText() is a kubelet's file, with the pod's names and aliases", () => {
  const text = hostsText(
    pod({
      hostname: "db",
      subdomain: "data",
      hostAliases: [
        { ip: "192.0.2.1", hostnames: ["foo", "bar"] },
        { ip: "192.0.2.2", hostnames: ["baz"] },
      ],
    }),
    { podIPs: ["10.1.0.7", "fd00::7"] },
  );
  assert.equal(
    text,
    `# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
10.1.0.7\tdb.data.shop.svc.cluster.local\tdb
fd00::7\tdb.data.shop.svc.cluster.local\tdb

# Entries added by HostAliases.
192.0.2.1\tfoo\tbar
192.0.2.2\tbaz
`,
  );
  assert.match(
    hostsText(pod({ subdomain: "data" }), { podIPs: ["10.1.0.7"], clusterDomain: "k8s.example" }),
    /10\.1\.0\.7\tweb\.data\.shop\.svc\.k8s\.example\tweb\n$/,
  );
  assert.match(hostsText(pod(), { podIPs: ["10.1.0.7"] }), /allrouters\n10\.1\.0\.7\tweb\n$/);
  assert.equal(
    hostsText(pod(), { podIPs: [], nodeHosts: "127.0.0.1 localhost\n\n" }),
    "# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost\n",
  );
});

Deno.test("hostFiles() leaves alone what a container mounts itself", async () => {
  const paths = async (...mounted: string[]): Promise<string[]> => {
    const mounts = mounted.map((guestPath) => ({ hostPath: "/v", guestPath, readOnly: false }));
    const files = await hostFiles(pod(), { podIPs: [], mounts, resolvConf: "nameserver ::1" });
    return files.map(({ guestPath }) => guestPath);
  };
  const [hosts, name, resolver] = ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf"];
  assert.deepEqual(await paths("/etc/conf"), [hosts, name, resolver]);
  assert.deepEqual(await paths("/etc/hosts"), [name, resolver]);
  assert.deepEqual(await paths("/etc/resolv.conf"), [hosts, name]);
  assert.deepEqual(await paths("/etc"), []);
});

Deno.test("hostFiles() says whom a pod asks for names, unless the container says it itself", async () => {
  const resolvConf = "nameserver 192.0.2.53\n";
  const mount = { hostPath: "/v", guestPath: "/etc/resolv.conf", readOnly: false };
  const files = async (...mounts: typeof mount[]): Promise<string[]> =>
    (await hostFiles(pod({ hostNetwork: true }), { podIPs: [], resolvConf, mounts }))
      .map(({ guestPath, text }) => guestPath === "/etc/hosts" ? guestPath : text);
  assert.deepEqual(await files(), ["/etc/hosts", resolvConf]);
  assert.deepEqual(await files(mount), ["/etc/hosts"]);
});

Deno.test("placeHostFiles() takes the place of an image's files, and follows no link out", async () => {
  const folder = await Deno.makeTempDir({ prefix: "krustlet-hosts-" });
  try {
    const [root, outside] = [join(folder, "root"), join(folder, "outside")];
    await Deno.mkdir(join(root, "etc"), { recursive: true });
    await Deno.writeTextFile(outside, "untouched");
    await Deno.writeTextFile(join(root, "etc/hosts"), "of the image");
    await Deno.symlink("../../outside", join(root, "etc/hostname"));
    const entries: TreeEntry[] = [
      { kind: "folder", path: "etc" },
      { kind: "file", path: "etc/hosts", size: 12, digest: "sha256:0" },
      { kind: "link", path: "etc/hostname", target: "../../outside" },
    ] as never;
    const files = [
      { guestPath: "/etc/hosts", text: "ours" },
      { guestPath: "/etc/hostname", text: "web" },
    ];
    const tree = { id: "t", path: root, index: new TreeIndex(entries), readOnly: false };
    await placeHostFiles(files, { rootPath: root, tree: tree as never });
    assert.equal(await Deno.readTextFile(join(root, "etc/hosts")), "ours");
    assert.equal(await Deno.readTextFile(outside), "untouched");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
