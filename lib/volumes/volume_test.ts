import assert from "node:assert/strict";
import { join } from "node:path";
import type { Volume } from "../api/types.ts";
import { podWith } from "./fake_objects.ts";
import { inRoom, look } from "./fake_room.ts";

Deno.test("PodVolumes.mountAll() shows ConfigMaps with text, binary data, items and modes", () =>
  inRoom(async ({ objects, mount }) => {
    objects.addConfigMap("game", { "game.properties": "lives=3", "ui.properties": "color=red" }, {
      binaryData: { logo: btoa("PNG") },
    });
    assert.deepEqual(look(await mount({ name: "all", configMap: { name: "game" } })), {
      "game.properties": "lives=3",
      "ui.properties": "color=red",
      logo: "PNG",
    });
    const items = [
      { key: "ui.properties", path: "etc/ui/colors", mode: 0o400 },
      { key: "logo", path: "logo.png" },
    ];
    const some = await mount({
      name: "some",
      configMap: { name: "game", items, defaultMode: 0o440 },
    });
    assert.deepEqual(look(some), { "etc/ui/colors": "color=red", "logo.png": "PNG" });
    assert.equal((await Deno.stat(join(some, "etc/ui/colors"))).mode! & 0o777, 0o400);
    assert.equal((await Deno.stat(join(some, "logo.png"))).mode! & 0o777, 0o440);
  }));

Deno.test("PodVolumes.mountAll() shows Secrets decoded", () =>
  inRoom(async ({ objects, mount }) => {
    objects.addSecret("db", { user: "admin", password: "t0p" });
    objects.secrets.set("shop/plain", { data: { a: btoa("old") }, stringData: { a: "new" } });
    assert.deepEqual(look(await mount({ name: "db", secret: { secretName: "db" } })), {
      user: "admin",
      password: "t0p",
    });
    assert.deepEqual(look(await mount({ name: "p", secret: { secretName: "plain" } })), {
      a: "new",
    });
  }));

Deno.test("PodVolumes.mountAll() speaks like a kubelet of what is missing", () =>
  inRoom(async ({ objects, mount }) => {
    objects.addConfigMap("cm", { a: "1" });
    objects.addSecret("s", { a: "1" });
    objects.secrets.set("shop/broken", {
      metadata: { name: "broken" },
      data: { k: "not base64!" },
    });
    const items = [{ key: "nope", path: "x" }];
    const rows: [Volume, string][] = [
      [{ name: "x", configMap: { name: "y" } }, 'configmap "y" not found'],
      [{ name: "x", secret: { secretName: "y" } }, 'secret "y" not found'],
      [
        { name: "x", configMap: { name: "cm", items } },
        "configmap references non-existent config key: nope",
      ],
      [
        { name: "x", secret: { secretName: "s", items } },
        "references non-existent secret key: nope",
      ],
      [
        { name: "x", secret: { secretName: "broken" } },
        'Cannot read key "k" of Secret "broken": it is not base64',
      ],
      [
        { name: "x", projected: { sources: [{ configMap: { name: "y" } }] } },
        'configmap "y" not found',
      ],
      [
        {
          name: "x",
          projected: { sources: [{ configMap: { name: "y" } }, { secret: { name: "z" } }] },
        },
        '[configmap "y" not found, secret "z" not found]',
      ],
      [
        { name: "x", configMap: { name: "cm", items: [{ key: "a", path: "../../a" }] } },
        `invalid path "../../a": must not contain '..'`,
      ],
    ];
    for (const [volume, message] of rows) {
      await assert.rejects(mount(volume), {
        name: "KubeletError",
        code: "volume",
        reason: "FailedMount",
        message: `MountVolume.SetUp failed for volume "x" : ${message}`,
      });
    }
    await assert.rejects(
      mount({ name: "x", secret: { secretName: "y" } }, { name: "y", configMap: { name: "n" } }),
      { message: /volume "x" : secret "y" not found; .* volume "y" : configmap "n" not found$/ },
    );
    objects.failure = new Error("connection refused");
    await assert.rejects(mount({ name: "x", configMap: { name: "cm" } }), {
      code: "volume",
      message: 'MountVolume.SetUp failed for volume "x" : connection refused',
    });
  }));

Deno.test("PodVolumes.mountAll() goes on without what is optional", () =>
  inRoom(async ({ objects, mount }) => {
    objects.addConfigMap("cm", { a: "1" });
    const optional = true;
    const items = [{ key: "a", path: "a" }, { key: "b", path: "b" }];
    assert.deepEqual(look(await mount({ name: "v", configMap: { name: "none", optional } })), {});
    assert.deepEqual(
      look(await mount({ name: "w", secret: { secretName: "none", optional } })),
      {},
    );
    assert.deepEqual(look(await mount({ name: "x", configMap: { name: "cm", optional, items } })), {
      a: "1",
    });
    const sources = [{ configMap: { name: "none", optional } }, {
      secret: { name: "n", optional },
    }];
    assert.deepEqual(look(await mount({ name: "y", projected: { sources } })), {});
  }));

Deno.test("PodVolumes.mountAll() shows the downward API in Kubernetes' formats", () =>
  inRoom(async ({ volumes, signal }) => {
    const file = (path: string, fieldPath: string) => ({ path, fieldRef: { fieldPath } });
    const resource = (path: string, resource: string, divisor: string) => ({
      path,
      resourceFieldRef: { containerName: "app", resource, divisor },
    });
    const pod = podWith([{
      name: "info",
      downwardAPI: {
        items: [
          file("name", "metadata.name"),
          file("namespace", "metadata.namespace"),
          file("uid", "metadata.uid"),
          file("labels", "metadata.labels"),
          file("meta/app", "metadata.labels['app']"),
          resource("cpu_limit", "limits.cpu", "1m"),
          resource("cpu_request", "requests.cpu", "1"),
          resource("memory_limit", "limits.memory", "1M"),
          resource("memory_request", "requests.memory", "1Ki"),
          { ...file("private", "metadata.name"), mode: 0o400 },
        ],
      },
    }]);
    pod.spec!.containers[0]!.resources = {
      limits: { cpu: "1.25", memory: ".5G" },
      requests: { cpu: "500m", memory: "1024" },
    };
    const folder = (await volumes.mountAll(pod, signal)).get("info")!.hostPath;
    assert.deepEqual(look(folder), {
      name: "web-0",
      namespace: "shop",
      uid: "7a1e-22",
      labels: 'app="web"',
      "meta/app": "web",
      cpu_limit: "1250",
      cpu_request: "1",
      memory_limit: "500",
      memory_request: "1",
      private: "web-0",
    });
    assert.equal((await Deno.stat(join(folder, "private"))).mode! & 0o777, 0o400);

    for (
      const item of [
        file("x", "metadata.nonexistent"),
        file("x", "spec.status"),
        resource("x", "limits.gpu", "1"),
        { path: "x", resourceFieldRef: { containerName: "other", resource: "limits.cpu" } },
        { path: "x" },
      ]
    ) {
      await assert.rejects(
        volumes.mountAll(podWith([{ name: "info", downwardAPI: { items: [item] } }]), signal),
        { code: "volume", message: /^MountVolume.SetUp failed for volume "info" : / },
      );
    }
  }));

/** What the API server adds to every pod. */
const KUBE_API_ACCESS: Volume = {
  name: "kube-api-access-x7k2p",
  projected: {
    defaultMode: 0o644,
    sources: [
      { serviceAccountToken: { expirationSeconds: 3_607, path: "token" } },
      { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
      {
        downwardAPI: {
          items: [{ path: "namespace", fieldRef: { fieldPath: "metadata.namespace" } }],
        },
      },
    ],
  },
};

Deno.test("PodVolumes.mountAll() projects the API access of a pod, with one token", () =>
  inRoom(async ({ objects, volumes, mount }) => {
    objects.addConfigMap("kube-root-ca.crt", { "ca.crt": "CA" });
    const folder = await mount(KUBE_API_ACCESS);
    assert.deepEqual(look(folder), { token: "token-1", "ca.crt": "CA", namespace: "shop" });
    assert.deepEqual(objects.asked, ["token shop/robot", "configMap shop/kube-root-ca.crt"]);

    await mount(KUBE_API_ACCESS);
    assert.equal(objects.tokenSpecs.length, 1);
    const renewAtMs = volumes.renewTokensAtMs("7a1e-22");
    assert.equal(renewAtMs, objects.nowMs + 3_607_000 * 0.8);
    objects.nowMs = renewAtMs ?? 0;
    await mount(KUBE_API_ACCESS);
    assert.equal(look(folder).token, "token-2");
  }));

Deno.test("PodVolumes.mountAll() lets a later projection win", () =>
  inRoom(async ({ objects, mount }) => {
    objects.addConfigMap("cm", { a: "config", b: "config" });
    objects.addSecret("s", { a: "secret" });
    const sources = [{ configMap: { name: "cm" } }, { secret: { name: "s" } }];
    assert.deepEqual(look(await mount({ name: "p", projected: { sources } })), {
      a: "secret",
      b: "config",
    });
  }));
