import assert from "node:assert/strict";
import type { Container, EnvFromSource, EnvVar } from "../api/types.ts";
import { FAKE_FACTS, FakeObjects, podWith } from "../volumes/fake_objects.ts";
import { expand, expandArgs, expandProbes, resolveEnv } from "./env.ts";

function cluster(): FakeObjects {
  const objects = new FakeObjects();
  objects.addConfigMap("cm", { COLOR: "blue", "app.mode": "fast" });
  objects.addSecret("db", { USER: "admin", PASSWORD: "t0p" });
  return objects;
}

interface Case {
  env?: EnvVar[];
  envFrom?: EnvFromSource[];
  serviceEnv?: Record<string, string>;
  resources?: NonNullable<Container["resources"]>;
  objects?: FakeObjects;
}

function resolve(
  { objects = cluster(), serviceEnv = {}, ...spec }: Case,
): Promise<Record<string, string>> {
  const { signal } = new AbortController();
  const pod = podWith();
  const container: Container = { name: "app", ...spec };
  return resolveEnv({ pod, container, facts: FAKE_FACTS, objects, serviceEnv, signal });
}

Deno.test("resolveEnv() lets later sources replace earlier ones", async () => {
  const objects = cluster();
  objects.addConfigMap("later", { COLOR: "green" });
  assert.deepEqual(
    await resolve({
      objects,
      serviceEnv: { COLOR: "service", USER: "service", WEB_SERVICE_HOST: "10.0.0.1" },
      envFrom: [
        { configMapRef: { name: "cm" } },
        { secretRef: { name: "db" } },
        { configMapRef: { name: "later" } },
      ],
      env: [{ name: "USER", value: "first" }, { name: "USER", value: "root" }],
    }),
    {
      COLOR: "green",
      USER: "root",
      WEB_SERVICE_HOST: "10.0.0.1",
      "app.mode": "fast",
      PASSWORD: "t0p",
    },
  );
});

Deno.test("resolveEnv() puts the prefix before every name of a source", async () => {
  assert.deepEqual(
    await resolve({
      envFrom: [
        { prefix: "CM_", configMapRef: { name: "cm" } },
        { prefix: "DB-", secretRef: { name: "db" } },
      ],
    }),
    { CM_COLOR: "blue", "CM_app.mode": "fast", "DB-USER": "admin", "DB-PASSWORD": "t0p" },
  );
});

Deno.test("resolveEnv() leaves out names of a source that no environment can hold", async () => {
  const objects = new FakeObjects();
  objects.addConfigMap("odd", { "a=b": "1", "": "2", "1 ok!": "3", __proto__x: "4" });
  assert.deepEqual(await resolve({ objects, envFrom: [{ configMapRef: { name: "odd" } }] }), {
    "1 ok!": "3",
    __proto__x: "4",
  });
});

Deno.test("resolveEnv() reads keys, fields and resources", async () => {
  const field = (name: string, fieldPath: string): EnvVar => ({
    name,
    valueFrom: { fieldRef: { fieldPath } },
  });
  assert.deepEqual(
    await resolve({
      resources: { limits: { memory: "64Mi" } },
      env: [
        { name: "COLOR", valueFrom: { configMapKeyRef: { name: "cm", key: "COLOR" } } },
        { name: "PASSWORD", valueFrom: { secretKeyRef: { name: "db", key: "PASSWORD" } } },
        field("NAME", "metadata.name"),
        field("APP", "metadata.labels['app']"),
        field("APP_DOT", "metadata.labels.app"),
        field("NODE", "spec.nodeName"),
        field("HOST", "status.hostIP"),
        field("IPS", "status.podIPs"),
        { name: "MEM", valueFrom: { resourceFieldRef: { resource: "limits.memory" } } },
        {
          name: "CPU",
          valueFrom: { resourceFieldRef: { resource: "limits.cpu", containerName: "app" } },
        },
        { name: "EMPTY" },
        { name: "BLANK", value: "" },
      ],
    }),
    {
      COLOR: "blue",
      PASSWORD: "t0p",
      NAME: "web-0",
      APP: "web",
      APP_DOT: "web",
      NODE: "edge-1",
      HOST: "10.0.0.5",
      IPS: "10.244.3.7",
      MEM: "67108864",
      CPU: "4",
      EMPTY: "",
      BLANK: "",
    },
  );
});

Deno.test("resolveEnv() expands references to what was set before", async () => {
  assert.deepEqual(
    await resolve({
      serviceEnv: { DB_SERVICE_HOST: "10.0.0.9" },
      envFrom: [{ configMapRef: { name: "cm" } }],
      env: [
        { name: "EARLY", value: "$(LATE)" },
        { name: "LATE", value: "x" },
        { name: "URL", value: "http://$(DB_SERVICE_HOST)/$(COLOR)/$(LATE)/$$(LATE)" },
        { name: "COLOR", value: "dark$(COLOR)" },
        { name: "AGAIN", value: "$(URL)" },
        { name: "NONE", value: "$(constructor)" },
      ],
    }),
    {
      DB_SERVICE_HOST: "10.0.0.9",
      "app.mode": "fast",
      EARLY: "$(LATE)",
      LATE: "x",
      URL: "http://10.0.0.9/blue/x/$(LATE)",
      COLOR: "darkblue",
      AGAIN: "http://10.0.0.9/blue/x/$(LATE)",
      NONE: "$(constructor)",
    },
  );
});

Deno.test("resolveEnv() reads keys of files, which later variables may refer to", async () => {
  const hostPath = await Deno.realPath(await Deno.makeTempDir());
  try {
    await Deno.writeTextFile(`${hostPath}/app.env`, "PORT='80$(B)'\n");
    const file = (key: string): EnvVar["valueFrom"] & object => ({
      fileKeyRef: { volumeName: "data", path: "app.env", key, optional: key !== "PORT" },
    });
    const env = [
      { name: "B", value: "b" },
      { name: "WEB_PORT", valueFrom: file("PORT") },
      { name: "GONE", valueFrom: file("GONE") },
      { name: "URL", value: "http://web:$(WEB_PORT)" },
    ];
    const volumes = new Map([["data", { hostPath, readOnly: false }]]);
    const { signal } = new AbortController();
    const container: Container = { name: "app", env };
    assert.deepEqual(
      await resolveEnv({
        pod: podWith(),
        container,
        facts: FAKE_FACTS,
        objects: cluster(),
        volumes,
        signal,
      }),
      { B: "b", WEB_PORT: "80$(B)", URL: "http://web:80$(B)" },
    );
  } finally {
    await Deno.remove(hostPath, { recursive: true });
  }
});

Deno.test("resolveEnv() does not expand what comes from elsewhere", async () => {
  const objects = new FakeObjects();
  objects.addConfigMap("cm", { A: "$(B)" });
  const env = [
    { name: "B", value: "b" },
    { name: "C", valueFrom: { configMapKeyRef: { name: "cm", key: "A" } } },
  ];
  assert.deepEqual(await resolve({ objects, env, envFrom: [{ configMapRef: { name: "cm" } }] }), {
    A: "$(B)",
    B: "b",
    C: "$(B)",
  });
});

Deno.test("resolveEnv() speaks like a kubelet of what is missing", async () => {
  const rows: [Case, string][] = [
    [{ envFrom: [{ configMapRef: { name: "no" } }] }, 'configmap "no" not found'],
    [{ envFrom: [{ secretRef: { name: "no" } }] }, 'secret "no" not found'],
    [
      { env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "no", key: "k" } } }] },
      'configmap "no" not found',
    ],
    [
      { env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "cm", key: "toString" } } }] },
      "couldn't find key toString in ConfigMap shop/cm",
    ],
    [
      { env: [{ name: "A", valueFrom: { secretKeyRef: { name: "no", key: "k" } } }] },
      'secret "no" not found',
    ],
    [
      { env: [{ name: "A", valueFrom: { secretKeyRef: { name: "db", key: "k" } } }] },
      "couldn't find key k in Secret shop/db",
    ],
    [
      {
        env: [{
          name: "A",
          valueFrom: { resourceFieldRef: { containerName: "no", resource: "limits.cpu" } },
        }],
      },
      "container no not found",
    ],
  ];
  for (const [given, message] of rows) {
    await assert.rejects(resolve(given), {
      name: "KubeletError",
      code: "container_config",
      message,
    });
  }
});

Deno.test("resolveEnv() leaves out what is optional and missing", async () => {
  const optional = true;
  assert.deepEqual(
    await resolve({
      serviceEnv: { A: "before" },
      envFrom: [{ configMapRef: { name: "no", optional } }, {
        secretRef: { name: "no", optional },
      }],
      env: [
        { name: "A", valueFrom: { configMapKeyRef: { name: "no", key: "k", optional } } },
        { name: "B", valueFrom: { configMapKeyRef: { name: "cm", key: "k", optional } } },
        { name: "C", valueFrom: { secretKeyRef: { name: "no", key: "k", optional } } },
        { name: "D", valueFrom: { secretKeyRef: { name: "db", key: "k", optional } } },
      ],
    }),
    { A: "before" },
  );
});

Deno.test("resolveEnv() refuses what no environment can hold", async () => {
  const objects = new FakeObjects();
  objects.secrets.set("shop/bin", { data: { k: "/////w==", zero: btoa("a\0b") } });
  const key = (key: string): EnvVar => ({
    name: "A",
    valueFrom: { secretKeyRef: { name: "bin", key } },
  });
  const rows: [EnvVar, RegExp][] = [
    [key("k"), /^Cannot set variable "A": its value is not UTF-8 text$/],
    [key("zero"), /^Cannot set variable "A": its value is not UTF-8 text$/],
    [{ name: "A=B", value: "" }, /^Cannot set variable "A=B": invalid name$/],
    [{ name: "", value: "" }, /invalid name$/],
    [{ name: "A", valueFrom: { fieldRef: { fieldPath: "status.phase" } } }, /"status.phase"/],
    [
      { name: "A", valueFrom: { newKeyRef: {} } as EnvVar["valueFrom"] & object },
      /valueFrom "newKeyRef" is not supported; supported: fieldRef/,
    ],
  ];
  for (const [variable, message] of rows) {
    await assert.rejects(resolve({ objects, env: [variable] }), {
      code: "container_config",
      message,
    });
  }
});

Deno.test("resolveEnv() keeps a byte order mark, and a name such as __proto__", async () => {
  const objects = new FakeObjects();
  objects.addSecret("s", { bom: "\ufeffx" });
  const env = await resolve({
    objects,
    env: [
      { name: "BOM", valueFrom: { secretKeyRef: { name: "s", key: "bom" } } },
      { name: "__proto__", value: "plain" },
    ],
  });
  assert.deepEqual(Object.entries(env), [["BOM", "\ufeffx"], ["__proto__", "plain"]]);
});

Deno.test("resolveEnv() asks once for each object, and passes on why it could not", async () => {
  const objects = cluster();
  const ref = (key: string): EnvVar => ({
    name: key,
    valueFrom: { configMapKeyRef: { name: "cm", key } },
  });
  await resolve({
    objects,
    env: [ref("COLOR"), ref("app.mode")],
    envFrom: [{ configMapRef: { name: "cm" } }],
  });
  assert.deepEqual(objects.asked, ["configMap shop/cm"]);
  objects.failure = new Error("connection refused");
  await assert.rejects(resolve({ objects, env: [ref("COLOR")] }), {
    code: "container_config",
    message: "connection refused",
  });
});

Deno.test("resolveEnv() ends with the signal's reason", async () => {
  const stop = new AbortController();
  const objects = cluster();
  objects.configMap = (): Promise<undefined> => {
    stop.abort(new Error("pod is being deleted"));
    return Promise.reject(new TypeError("aborted"));
  };
  const container: Container = { name: "app", envFrom: [{ configMapRef: { name: "cm" } }] };
  await assert.rejects(
    resolveEnv({ pod: podWith(), container, facts: FAKE_FACTS, objects, signal: stop.signal }),
    { name: "Error", message: "pod is being deleted" },
  );
});

Deno.test("expand() and expandArgs() replace known names only", () => {
  const env = { NAME: "web", N: "2" };
  assert.equal(
    expand("$(NAME)-$(N) $(MISSING) $$(N) $(toString)", env),
    "web-2 $(MISSING) $(N) $(toString)",
  );
  assert.deepEqual(expandArgs(["/bin/$(NAME)"], ["-n", "$(N)"], env), {
    command: ["/bin/web"],
    args: ["-n", "2"],
  });
  assert.deepEqual(expandArgs(undefined, undefined, env), { command: [], args: [] });
});

Deno.test("expandProbes() replaces plain values in the commands of probes, and nothing else", () => {
  const exec = (...command: string[]): { exec: { command: string[] } } => ({ exec: { command } });
  const spec: Container = {
    name: "app",
    env: [
      { name: "FILE", value: "/tmp/$(DIR)/ok" },
      { name: "FROM", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    ],
    livenessProbe: {
      ...exec("cat", "$(FILE)", "[$(FROM)]", "$$(FILE)", "$(PATH)"),
      periodSeconds: 3,
    },
    startupProbe: exec("$(FILE)"),
    readinessProbe: { tcpSocket: { port: "$(FILE)" } },
    lifecycle: { preStop: exec("$(FILE)") },
  };
  assert.deepEqual(expandProbes(spec), {
    ...spec,
    livenessProbe: {
      ...exec("cat", "/tmp/$(DIR)/ok", "[]", "$(FILE)", "$(PATH)"),
      periodSeconds: 3,
    },
    startupProbe: exec("/tmp/$(DIR)/ok"),
  });
  assert.deepEqual(expandProbes({ name: "plain" }), { name: "plain" });
});
