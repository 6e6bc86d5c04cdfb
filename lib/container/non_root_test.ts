import assert from "node:assert/strict";
import type { ContainerSecurityContext, Pod, PodSecurityContext } from "../api/types.ts";
import { checkNonRoot } from "./non_root.ts";

interface Case {
  readonly own?: ContainerSecurityContext;
  readonly shared?: PodSecurityContext;
  readonly user?: string;
}

function check({ own, shared, user }: Case): void {
  const spec = { name: "app", ...(own === undefined ? {} : { securityContext: own }) };
  const pod: Pod = {
    metadata: { name: "web", namespace: "shop", uid: "u-1" },
    spec: { containers: [spec], ...(shared === undefined ? {} : { securityContext: shared }) },
  };
  checkNonRoot(pod, { spec, image: user === undefined ? {} : { user } });
}

const runAsNonRoot = true;

Deno.test("checkNonRoot() speaks like a kubelet of who would run as root", () => {
  const where = ' (pod: "web_shop(u-1)", container: app)';
  const root = `container has runAsNonRoot and image will run as root${where}`;
  const breaks = `container's runAsUser breaks non-root policy${where}`;
  const named =
    `container has runAsNonRoot and image has non-numeric user (www-data), cannot verify user is non-root${where}`;
  const rows: [Case, string][] = [
    [{ own: { runAsNonRoot }, user: "" }, root],
    [{ own: { runAsNonRoot }, user: "0" }, root],
    [{ own: { runAsNonRoot }, user: "00:1000" }, root],
    [{ shared: { runAsNonRoot }, user: ":1000" }, root],
    [{ own: { runAsNonRoot }, user: "www-data:www" }, named],
    [{ own: { runAsNonRoot, runAsUser: 0 }, user: "1000" }, breaks],
    [{ shared: { runAsNonRoot, runAsUser: 0 }, user: "1000" }, breaks],
    [{ own: { runAsUser: 0 }, shared: { runAsNonRoot, runAsUser: 7 } }, breaks],
    [
      { own: { runAsNonRoot }, user: "2147483648" },
      `container has runAsNonRoot and image has an invalid user id (2147483648). (Must be 1-(2147483647))${where}`,
    ],
  ];
  for (const [given, message] of rows) {
    assert.throws(() => check(given), { code: "container_config", message });
  }
});

Deno.test("checkNonRoot() passes who runs as somebody, and who may run as root", () => {
  const rows: Case[] = [
    { user: "" },
    { user: "0" },
    { own: { runAsUser: 0 }, user: "0" },
    { own: { runAsNonRoot: false }, shared: { runAsNonRoot }, user: "0" },
    { own: { runAsNonRoot }, user: "1000:0" },
    { own: { runAsNonRoot, runAsUser: 1000 }, user: "0" },
    { own: { runAsUser: 1000 }, shared: { runAsNonRoot, runAsUser: 0 }, user: "" },
    { shared: { runAsNonRoot, runAsUser: 1000 }, user: "root" },
    { own: { runAsNonRoot } },
  ];
  for (const given of rows) assert.doesNotThrow(() => check(given));
});
