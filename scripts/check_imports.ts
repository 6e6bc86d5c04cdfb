/**
 * Checks the walls: who imports whom, through which door, and that nothing goes in a circle.
 *
 *     deno run --allow-read --allow-write --allow-run scripts/check_imports.ts
 *
 * @module
 */
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Who may know whom, and why. A room that is not named here is not known. */
const ROOMS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "wasi": {},
  "certs": {},
  "lib": {},
  "providers": { "lib": "to be a Provider", "wasi": "to run the guest" },
  "main.ts": {
    "lib": "wiring",
    "providers": "wiring",
    "certs": "wiring",
    "node_identity.ts": "wiring",
    "deno.json": "the version",
  },
  "node_identity.ts": { "lib": "speaks to the cluster", "certs": "says as whom" },
  "tests": { "demos": "builds and runs them" }, // black box: it starts main.ts as a process
  "demos": {
    "tests": "shares the guests' builder",
    "lib": "builds a node and an operator with it",
    "node_identity.ts": "joins a cluster as krustlet does",
  },
  "scripts": {
    "tests": "builds and starts the real parts",
    "providers": "measures a provider alone",
    "lib": "measures the image store alone",
    "deno.json": "the version of a release",
  },
};

/** A room is entered by its door; `guest_main.ts` is what another process starts with. */
const DOOR =
  /^((lib|wasi|certs)\/mod|lib\/(testing|krator|images|images\/oci)\/mod|providers\/[^/]+\/(mod|guest_main))\.ts$/;

/** Inside `lib`: what each folder may use, besides the files at the top and the API's types. */
const FOLDERS: Readonly<Record<string, readonly string[]>> = {
  api: [],
  fuzz: [], // what the fuzzers of all folders share
  config: [],
  krator: [],
  images: ["api", "fuzz"],
  volumes: ["api", "resources"],
  status: ["api"],
  events: ["api"],
  probes: ["api"],
  resources: ["api"],
  eviction: ["api", "container", "resources"],
  container: ["api", "images", "volumes", "status", "events", "probes", "resources"],
  pod: [
    "api",
    "krator",
    "container",
    "images",
    "network",
    "volumes",
    "status",
    "events",
    "resources",
  ],
  network: ["api"],
  static: ["api", "pod", "status"],
  node: ["api"],
  doctor: ["api", "network", "node"],
  smite: ["api"],
  metrics: [],
  stats: ["api", "eviction", "metrics", "node"],
  streaming: ["fuzz"],
  server: ["api", "container", "fuzz", "streaming"],
  standalone: [
    "api",
    "container",
    "events",
    "krator",
    "images",
    "network",
    "node",
    "pod",
    "status",
    "volumes",
  ],
  testing: [],
};
/** Files at the top of `lib` that gather the folders; all the others there know no folder. */
const GATHERERS = new Set([
  "lib/mod.ts",
  "lib/kubelet.ts",
  "lib/kubelet_settings.ts",
  "lib/network_parts.ts",
  "lib/observation.ts",
]);
/** Type files of the API that everybody in `lib` may use. */
const TYPES = new Set(["lib/api/types.ts", "lib/api/object_source.ts"]);

/** One import, also of a type alone: types couple as well. Paths are relative to the root. */
export interface Edge {
  readonly from: string;
  readonly to: string;
}

/** The imports that cross a wall, or come in by a window. */
export function forbidden(edges: Iterable<Edge>): string[] {
  const wrong: string[] = [];
  for (const { from, to } of edges) {
    const [here, there] = [from.split("/")[0]!, to.split("/")[0]!];
    if (here !== there) {
      if (ROOMS[here]?.[there] === undefined) {
        wrong.push(`${from} may not import ${to}: "${here}" does not know "${there}"`);
      } else if (["lib", "wasi", "certs", "providers"].includes(there) && !DOOR.test(to)) {
        wrong.push(`${from} may not import ${to}: the door is mod.ts`);
      }
    } else if (here === "lib") {
      const problem = withinLib(from, to);
      if (problem !== undefined) wrong.push(`${from} may not import ${to}: ${problem}`);
    }
  }
  return wrong;
}

function withinLib(from: string, to: string): string | undefined {
  if (GATHERERS.has(from) || TYPES.has(to)) return undefined;
  const [, here, isFolder] = /^lib\/([^/]+)(\/)?/.exec(from)!;
  const [, there, inFolder] = /^lib\/([^/]+)(\/)?/.exec(to)!;
  if (GATHERERS.has(to)) return "only the outside enters by the door";
  if (inFolder === undefined || here === there) return undefined;
  if (isFolder === undefined) return "files at the top of lib know no folder";
  if (FOLDERS[here!]?.includes(there!)) return undefined;
  return `lib/${here} does not know lib/${there}`;
}

/** The circles among imports, each told once, as `a -> b -> a`. */
export function circles(edges: Iterable<Edge>): string[] {
  const next = new Map<string, string[]>();
  for (const { from, to } of edges) next.set(from, [...(next.get(from) ?? []), to]);
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, trail: string[]): void => {
    const at = trail.indexOf(file);
    if (at >= 0) {
      found.push([...trail.slice(at), file].join(" -> "));
      return;
    }
    if (done.has(file)) return;
    for (const to of next.get(file) ?? []) visit(to, [...trail, file]);
    done.add(file);
  };
  for (const file of next.keys()) visit(file, []);
  return found;
}

interface Graph {
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly code?: { readonly specifier?: string };
      readonly type?: { readonly specifier?: string };
    }[];
  }[];
}

async function readEdges(): Promise<Edge[]> {
  const files = await sources();
  const entry = await Deno.makeTempFile({ dir: ROOT, prefix: ".walls-", suffix: ".ts" });
  try {
    await Deno.writeTextFile(
      entry,
      files.map((file) => `import ${JSON.stringify(pathToFileURL(join(ROOT, file)).href)};`).join(
        "\n",
      ),
    );
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", entry],
      cwd: ROOT,
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    const graph: Graph = JSON.parse(new TextDecoder().decode(stdout));
    const own = (specifier: string | undefined): string | undefined => {
      if (specifier === undefined || !specifier.startsWith("file:")) return undefined;
      const path = relative(ROOT, fileURLToPath(specifier)).replaceAll("\\", "/");
      return path.startsWith("..") || path === relative(ROOT, entry) ? undefined : path;
    };
    return graph.modules.flatMap(({ specifier, dependencies = [] }) => {
      const from = own(specifier);
      if (from === undefined) return [];
      return dependencies.flatMap(({ code, type }) => {
        const to = own(code?.specifier ?? type?.specifier);
        return to === undefined ? [] : [{ from, to }];
      });
    });
  } finally {
    await Deno.remove(entry);
  }
}

async function sources(): Promise<string[]> {
  const { stdout } = await new Deno.Command("git", {
    args: ["ls-files", "--cached", "--others", "--exclude-standard", "*.ts"],
    cwd: ROOT,
  }).output();
  const listed = new TextDecoder().decode(stdout).split("\n").filter((path) => path !== "");
  // Guests in AssemblyScript have the same ending and another language.
  return listed.filter((path) =>
    !path.includes("/guests/") && !dirname(path).includes("assemblyscript")
  );
}

if (import.meta.main) {
  const edges = await readEdges();
  const wrong = [...forbidden(edges), ...circles(edges).map((circle) => `a circle: ${circle}`)];
  for (const line of wrong) console.error(line);
  console.log(`walls: ${edges.length} imports, ${wrong.length} wrong`);
  Deno.exit(wrong.length === 0 ? 0 : 1);
}
