import assert from "node:assert/strict";
import type { ServiceScope, ServicesOptions } from "../api/object_source.ts";
import type { Pod, Service } from "../api/types.ts";
import { FakeObjects } from "../volumes/fake_objects.ts";
import { resolveServiceEnv, serviceVariables } from "./service_env.ts";

const API: Service = {
  metadata: { name: "kubernetes" },
  spec: { clusterIP: "10.0.0.1", ports: [{ name: "https", port: 443, protocol: "TCP" }] },
};
const WEB: Service = {
  metadata: { name: "web-db" },
  spec: {
    clusterIP: "10.0.0.7",
    ports: [{ name: "http-alt", port: 80 }, { name: "dns", port: 53, protocol: "UDP" }],
  },
};

/** A cluster with these Services, and what was asked of it. */
class Services extends FakeObjects {
  readonly of: Record<string, Service[]> = { "default/kubernetes": [API], "shop/": [WEB] };
  readonly knownOnly: boolean[] = [];

  services(
    { namespace, name = "" }: ServiceScope,
    { knownOnly = false }: ServicesOptions,
  ): Promise<readonly Service[]> {
    this.knownOnly.push(knownOnly);
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return Promise.resolve(this.of[`${namespace}/${name}`] ?? []);
  }
}

const { signal } = new AbortController();

function pod(more: { namespace?: string; links?: boolean; source?: string } = {}): Pod {
  const { namespace = "shop", links, source } = more;
  return {
    metadata: {
      namespace,
      ...(source === undefined ? {} : { annotations: { "kubernetes.io/config.source": source } }),
    },
    spec: { containers: [], ...(links === undefined ? {} : { enableServiceLinks: links }) },
  };
}

Deno.test("serviceVariables() tells of each port in every spelling that there is", () => {
  assert.deepEqual(serviceVariables([WEB]), {
    WEB_DB_SERVICE_HOST: "10.0.0.7",
    WEB_DB_SERVICE_PORT: "80",
    WEB_DB_SERVICE_PORT_HTTP_ALT: "80",
    WEB_DB_SERVICE_PORT_DNS: "53",
    WEB_DB_PORT: "tcp://10.0.0.7:80",
    WEB_DB_PORT_80_TCP: "tcp://10.0.0.7:80",
    WEB_DB_PORT_80_TCP_PROTO: "tcp",
    WEB_DB_PORT_80_TCP_PORT: "80",
    WEB_DB_PORT_80_TCP_ADDR: "10.0.0.7",
    WEB_DB_PORT_53_UDP: "udp://10.0.0.7:53",
    WEB_DB_PORT_53_UDP_PROTO: "udp",
    WEB_DB_PORT_53_UDP_PORT: "53",
    WEB_DB_PORT_53_UDP_ADDR: "10.0.0.7",
  });
});

Deno.test("serviceVariables() writes an IPv6 address as URLs want it, and leaves out what has none", () => {
  const env = serviceVariables([
    { metadata: { name: "six" }, spec: { clusterIP: "fd00::1", ports: [{ port: 8080 }] } },
    { metadata: { name: "none" }, spec: { clusterIP: "None", ports: [{ port: 1 }] } },
    { metadata: { name: "empty" }, spec: { clusterIP: "" } },
    { metadata: { name: "named" }, spec: {} },
  ]);
  assert.equal(env["SIX_PORT"], "tcp://[fd00::1]:8080");
  assert.equal(env["SIX_SERVICE_HOST"], "fd00::1");
  assert.ok(Object.keys(env).every((name) => name.startsWith("SIX_")));
});

Deno.test("resolveServiceEnv() tells of the pod's namespace and of the API server", async () => {
  const objects = new Services();
  const env = await resolveServiceEnv(pod(), { objects, signal });
  assert.equal(env["KUBERNETES_SERVICE_HOST"], "10.0.0.1");
  assert.equal(env["KUBERNETES_SERVICE_PORT_HTTPS"], "443");
  assert.equal(env["WEB_DB_SERVICE_HOST"], "10.0.0.7");
});

Deno.test("resolveServiceEnv() tells of the API server alone without enableServiceLinks", async () => {
  const objects = new Services();
  const env = await resolveServiceEnv(pod({ links: false }), { objects, signal });
  assert.ok("KUBERNETES_PORT_443_TCP_ADDR" in env);
  assert.ok(Object.keys(env).every((name) => name.startsWith("KUBERNETES_")));
});

Deno.test("resolveServiceEnv() prefers a Service of the pod's namespace to the API server's", async () => {
  const objects = new Services();
  objects.of["shop/"] = [{ ...API, spec: { ...API.spec, clusterIP: "10.9.9.9" } }];
  const env = await resolveServiceEnv(pod(), { objects, signal });
  assert.equal(env["KUBERNETES_SERVICE_HOST"], "10.9.9.9");
});

Deno.test("resolveServiceEnv() lets a pod of the API server wait, and one of a file not", async () => {
  const objects = new Services();
  await resolveServiceEnv(pod(), { objects, signal });
  await resolveServiceEnv(pod({ source: "file" }), { objects, signal });
  assert.deepEqual(objects.knownOnly, [false, false, true, true]);
  objects.failure = new Error("not read yet");
  await assert.rejects(resolveServiceEnv(pod(), { objects, signal }), {
    code: "container_config",
    message: "not read yet",
  });
});

Deno.test("resolveServiceEnv() is empty where there is no cluster", async () => {
  assert.deepEqual(await resolveServiceEnv(pod(), { objects: new FakeObjects(), signal }), {});
});
