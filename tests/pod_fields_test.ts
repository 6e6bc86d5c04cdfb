/** The page about a pod's fields: it has all of the API's, and its tests are there. */
import assert from "node:assert/strict";
import { useCluster } from "./harness/testbed.ts";

const inCluster = useCluster();

/** The parts of a pod that the page must have; it may have more. */
const PARTS = [
  "Container",
  "EphemeralContainer",
  "Lifecycle",
  "PodSecurityContext",
  "PodSpec",
  "Probe",
  "SecurityContext",
  "Volume",
  "VolumeMount",
];

interface Row {
  readonly part: string;
  readonly field: string;
  readonly state: string;
  /** `path: name of the test`, if there is one. */
  readonly test: { readonly path: string; readonly name: string } | undefined;
}

inCluster("docs/pod-fields.md has every field that the API server has, and no other", async (
  cluster,
) => {
  const rows = await readPage();
  const parts = new Set(rows.map(({ part }) => part));
  for (const part of PARTS) assert.ok(parts.has(part), `a section ${part}`);
  const api = await cluster.get<OpenApi>("/openapi/v3/api/v1");
  for (const part of parts) {
    const schema = api.components.schemas[`io.k8s.api.core.v1.${part}`];
    assert.ok(schema !== undefined, `the API has ${part}`);
    assert.deepEqual(
      rows.filter((row) => row.part === part).map(({ field }) => field).toSorted(),
      Object.keys(schema.properties).toSorted(),
      `fields of ${part}`,
    );
  }
});

Deno.test("docs/pod-fields.md names a test for all that is honoured, and the test is there", async () => {
  const rows = await readPage();
  assert.ok(rows.length > 100);
  const files = new Map<string, Promise<string>>();
  const missing = new Set<string>();
  for (const { part, field, state, test } of rows) {
    if (test === undefined) {
      if (state === "honoured") missing.add(`any test of ${part}.${field}`);
      continue;
    }
    const { path, name } = test;
    const url = new URL(`../${path}`, import.meta.url);
    if (!files.has(path)) files.set(path, Deno.readTextFile(url));
    const text = await files.get(path) ?? "";
    if (!text.includes(JSON.stringify(name))) missing.add(`${path}: ${name}`);
  }
  assert.deepEqual([...missing], []);
});

async function readPage(): Promise<Row[]> {
  const text = await Deno.readTextFile(new URL("../docs/pod-fields.md", import.meta.url));
  return text.split("\n## ").slice(1).flatMap((section) => {
    const [part = "", ...lines] = section.split("\n");
    return lines.filter((line) => line.startsWith("| `")).map((line) => rowOf(part, line));
  });
}

function rowOf(part: string, line: string): Row {
  const cells = /^\| `(\w+)` \| ([^|]*) \| [^|]* \| ([^|]*)\|$/.exec(line);
  const [, field = "", state = "", last = ""] = cells ?? assert.fail(`four cells: ${line}`);
  const [, path, name] = /^`([^`]+)`: (.+)$/.exec(last.trim()) ?? [];
  return {
    part,
    field,
    state,
    test: path === undefined || name === undefined ? undefined : { path, name },
  };
}

interface OpenApi {
  readonly components: {
    readonly schemas: Readonly<
      Record<string, { readonly properties: Readonly<Record<string, unknown>> }>
    >;
  };
}
