import assert from "node:assert/strict";
import type { ClusterTrustBundle, ClusterTrustBundleProjection } from "../api/types.ts";
import { FakeStorage } from "./fake_objects.ts";
import { inRoom, look } from "./fake_room.ts";
import { trustAnchors } from "./trust_bundle.ts";

const { signal } = new AbortController();

function pem(body: string): string {
  return `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
}

function bundle(name: string, trustBundle: string, signerName?: string): ClusterTrustBundle {
  return {
    metadata: { name },
    spec: { trustBundle, ...(signerName === undefined ? {} : { signerName }) },
  };
}

function storageOf(...bundles: ClusterTrustBundle[]): FakeStorage {
  const storage = new FakeStorage();
  for (const one of bundles) storage.bundles.set(one.metadata!.name!, one);
  return storage;
}

Deno.test("trustAnchors() gives the bundle of a name, its blocks alone", async () => {
  const storage = storageOf(bundle("a", `by hand\n${pem("AAAA")}comment\r\n${pem("BBBB")}`));
  assert.equal(
    await trustAnchors({ path: "p", name: "a" }, { storage, signal }),
    pem("AAAA") + pem("BBBB"),
  );
});

Deno.test("trustAnchors() joins the bundles of a signer, each certificate once", async () => {
  const storage = storageOf(
    bundle("x.io:b:2", pem("BBBB") + pem("AAAA"), "x.io/b"),
    bundle("x.io:b:1", pem("AA\nAA"), "x.io/b"),
    bundle("y.io:c:1", pem("CCCC"), "y.io/c"),
  );
  const spec = { path: "p", signerName: "x.io/b", labelSelector: {} };
  assert.equal(await trustAnchors(spec, { storage, signal }), pem("AAAA") + pem("BBBB"));
});

Deno.test("trustAnchors() refuses what names no certificate, unless it is optional", async () => {
  const storage = storageOf(bundle("empty", "nothing here"));
  const rows: [ClusterTrustBundleProjection, RegExp][] = [
    [{ path: "p", name: "none" }, /clustertrustbundle "none" not found/],
    [{ path: "p", signerName: "x" }, /signerName "x" and labelSelector matched zero/],
    [{ path: "p", signerName: "x", labelSelector: {} }, /matched zero ClusterTrustBundles/],
    [{ path: "p", name: "empty" }, /hold no certificate/],
  ];
  for (const [spec, message] of rows) {
    await assert.rejects(trustAnchors(spec, { storage, signal }), { code: "volume", message });
    assert.equal(await trustAnchors({ ...spec, optional: true }, { storage, signal }), "");
  }
  const nothing = trustAnchors({ path: "p", optional: true }, { storage, signal });
  await assert.rejects(nothing, /requires either name or signerName to be set/);
  await assert.rejects(trustAnchors({ path: "p", name: "a" }, { storage: undefined, signal }), {
    code: "volume",
  });
});

Deno.test("PodVolumes.mountAll() projects trust bundles beside the rest", () =>
  inRoom(async ({ objects, mount }) => {
    objects.storage.bundles.set("ca", bundle("ca", pem("AAAA")));
    objects.addConfigMap("cm", { a: "1" });
    const projected = {
      sources: [{ clusterTrustBundle: { name: "ca", path: "tls/ca.pem" } }, {
        configMap: { name: "cm" },
      }],
    };
    const folder = await mount({ name: "p", projected });
    assert.deepEqual(look(folder), { "tls/ca.pem": pem("AAAA"), a: "1" });
  }));
