import assert from "node:assert/strict";
import { type Answer, withServer } from "./_test_server.ts";
import { type DoctorOptions, examine } from "./doctor.ts";
import type { Finding } from "./finding.ts";
import { runDoctor } from "./run.ts";

const USER = { username: "system:node:w", groups: ["system:nodes"] };
const LISTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
const RIGHTS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/** An API server to which all is well, but for what `special` answers. */
function healthy(
  special: (path: string, body: string) => Answer | undefined = () => undefined,
): (path: string, body: string) => Answer {
  return (path: string, body: string): Answer => {
    const answer = special(path, body);
    if (answer !== undefined) return answer;
    if (path === "/version") return { json: { gitVersion: "v1.36.3" } };
    if (path.endsWith("/selfsubjectreviews")) return { json: { status: { userInfo: USER } } };
    if (path === RIGHTS) return { json: { status: { allowed: true } } };
    return { json: { items: [] } };
  };
}

function options(server: string): DoctorOptions {
  return {
    settings: {
      nodeName: "w",
      nodeIp: "127.0.0.1",
      listenerAddress: "127.0.0.1",
      listenerPort: 0,
      dataDir: Deno.cwd(),
      podNetwork: "host",
      podCidrs: [],
    },
    speech: { as: "node", access: { server }, where: 'kubeconfig "/k"' },
    certificates: {},
    canBootstrap: false,
    userAgent: "test",
    signal: new AbortController().signal,
  };
}

async function findings(
  answer: (path: string, body: string) => Answer,
  change: (options: DoctorOptions) => DoctorOptions = (same) => same,
): Promise<Map<string, Finding>> {
  return await withServer(answer, async (url) => {
    const found = await examine(change(options(url)));
    return new Map(found.map((finding) => [finding.check, finding]));
  });
}

Deno.test("examine() goes through everything, in the order of a start", async () => {
  const found = await findings(healthy());
  assert.deepEqual([...found.keys()], [
    "kubeconfig",
    "api-server",
    "version",
    "clock",
    "identity",
    "requests",
    "rights",
    "network-rights",
    "client-certificate",
    "serving-certificate",
    "node-ip",
    "port",
    "data-dir",
    "pod-network",
  ]);
  const bad = [...found.values()].filter(({ state, check }) =>
    state !== "ok" && check !== "serving-certificate" && check !== "data-dir"
  );
  assert.deepEqual(bad, []);
});

Deno.test("examine() asks for each right, with the selector that a node must give", async () => {
  const asked: { verb: string; resource: string; fieldSelector?: unknown }[] = [];
  const found = await findings(healthy((path, body) => {
    if (path !== RIGHTS) return undefined;
    const { resourceAttributes } = JSON.parse(body).spec;
    asked.push(resourceAttributes);
    const { verb, resource } = resourceAttributes;
    return { json: { status: { allowed: !(verb === "watch" && resource === "pods") } } };
  }));
  assert.equal(found.get("rights")?.state, "fail");
  assert.equal(found.get("rights")?.message, "it is not allowed to watch pods");
  const list = asked.find(({ verb, resource }) => verb === "list" && resource === "pods");
  assert.deepEqual(list?.fieldSelector, {
    requirements: [{ key: "spec.nodeName", operator: "In", values: ["w"] }],
  });
});

Deno.test("examine() says what pods miss if Services and network policies may not be seen", async () => {
  const found = await findings(healthy((path, body) => {
    if (path !== RIGHTS) return undefined;
    const { resource, fieldSelector } = JSON.parse(body).spec.resourceAttributes;
    const own = resource === "endpointslices" || (resource === "pods" && !fieldSelector);
    return { json: { status: { allowed: !own } } };
  }));
  const { state, message, advice } = found.get("network-rights") ?? {};
  assert.equal(state, "warn");
  assert.match(message ?? "", /^it is not allowed to list and watch endpointslices, pods:/);
  assert.match(advice ?? "", /krustlet bootstrap/);
});

Deno.test("examine() before the node has joined looks at what a bootstrap needs", async () => {
  const asked: string[] = [];
  const found = await findings(
    healthy((path, body) => {
      if (path === RIGHTS) asked.push(JSON.parse(body).spec.resourceAttributes.resource);
      if (!path.endsWith("/selfsubjectreviews")) return undefined;
      const userInfo = { username: "system:bootstrap:a", groups: ["system:bootstrappers"] };
      return { json: { status: { userInfo } } };
    }),
    (given) => ({
      ...given,
      canBootstrap: true,
      speech: { as: "bootstrap", access: { server: serverOf(given) }, where: "bootstrap file" },
    }),
  );
  assert.deepEqual(asked, ["certificatesigningrequests"]);
  assert.equal(found.get("identity")?.state, "ok");
  assert.match(found.get("kubeconfig")?.message ?? "", /has not joined yet$/);
});

Deno.test("examine() ends early at a server that does not accept the credentials", async () => {
  const found = await findings(() => ({ status: 401, json: { kind: "Status" } }));
  assert.equal(found.get("api-server")?.state, "fail");
  assert.match(found.get("api-server")?.message ?? "", /\(401\)/);
  assert.equal(found.has("rights"), false);
  assert.equal(found.get("clock")?.state, "ok", "a refusal has a date as well");
});

Deno.test("examine() tells which questions are not answered, and goes on", async () => {
  const found = await findings(healthy((path) => {
    if (path === LISTS) return { status: 403, json: { kind: "Status", message: "no" } };
    if (path === RIGHTS) return { status: 500, json: { kind: "Status", message: "broken" } };
    return undefined;
  }));
  assert.equal(found.get("identity")?.state, "ok");
  assert.equal(found.get("requests")?.state, "warn");
  assert.equal(found.get("rights")?.state, "fail");
});

Deno.test("examine() finds a clock that is wrong, by the server's date", async () => {
  const date = new Date(Date.now() + 3_600_000).toUTCString();
  const found = await findings(
    healthy((path) => path === "/version" ? { json: { gitVersion: "v1.36.0" }, date } : undefined),
  );
  assert.equal(found.get("clock")?.state, "fail");
  assert.match(found.get("clock")?.message ?? "", /behind the API server's$/);
});

Deno.test("examine() says why nobody answers", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const found = await examine(options(`http://127.0.0.1:${port}`));
  const finding = found.find(({ check }) => check === "api-server");
  assert.equal(finding?.state, "fail");
  assert.match(finding?.message ?? "", /nothing listens there/);
  const wrong = await examine(options("ftp://nowhere"));
  assert.match(wrong.find(({ check }) => check === "api-server")?.message ?? "", /https:\/\//);
});

Deno.test("examine() without a kubeconfig says why, and looks at the machine all the same", async () => {
  const found = await examine({
    ...options("http://127.0.0.1:1"),
    speech: { as: "nobody", message: "Cannot join: there is none; make one" },
  });
  assert.deepEqual(found[0], {
    check: "kubeconfig",
    state: "fail",
    message: "Cannot join: there is none",
    advice: "make one",
  });
  const checks = found.map(({ check }) => check);
  assert.deepEqual(checks.slice(1), [
    ...["serving-certificate", "node-ip", "port", "data-dir", "pod-network"],
  ]);
});

Deno.test("runDoctor() prints for people or machines, and says whether all is well", async () => {
  await withServer(healthy(), async (url) => {
    let text = "";
    const print = (more: string): void => void (text += more);
    const json = await runDoctor({ ...options(url), json: true, colour: false, print });
    assert.equal(JSON.parse(text).ok, json);
    text = "";
    const speech = { as: "nobody", message: "no" } as const;
    const people = { ...options(url), speech, json: false, colour: false, print };
    assert.equal(await runDoctor(people), false);
    assert.match(text, /^fail {2}kubeconfig/);
  });
});

function serverOf({ speech }: DoctorOptions): string {
  return speech.as === "nobody" ? "" : speech.access.server;
}

Deno.test("examine() asks for the node's ranges, and judges them for this machine", async () => {
  const found = await findings(
    healthy((path) =>
      path === "/api/v1/nodes/w" ? { json: { spec: { podCIDR: "127.9.0.0/16" } } } : undefined
    ),
    (same) => ({ ...same, settings: { ...same.settings, podNetwork: "anyip" } }),
  );
  assert.equal(found.get("pod-network")?.state, "fail");
  assert.match(
    found.get("pod-network")?.message ?? "",
    /127\.9\.0\.0\/16 overlaps 127\.0\.0\.0\/8/,
  );
});
