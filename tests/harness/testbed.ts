/**
 * What most tests of a cluster need: a control plane, a registry with the guests, and one node.
 *
 * @module
 */
import { join } from "node:path";
import { guest } from "../guests/build.ts";
import { Cluster } from "./cluster.ts";
import type { PlaneOptions } from "./component_flags.ts";
import { startControlPlane } from "./control_plane.ts";
import { type Krustlet, type KrustletOptions, startKrustlet } from "./kubelet.ts";
import { podManifest, type PodWish } from "./manifests.ts";
import { pushArtifact, type Pushed } from "./push.ts";
import { type Registry, startRegistry } from "./registry.ts";
import type { PodRef } from "./wait_pod.ts";

/** Names the folder of a control plane that several test files share. */
const SHARED_PLANE = "KRUSTLET_TEST_PLANE";

/** Registries with TLS, and what they ask for. */
type PrivateRegistries = ReadonlyMap<"basic" | "token", Registry>;

/** Whom a file has its control plane with. */
interface Company {
  /**
   * It is nobody else's. For pods that name no node: the scheduler would give them to those of other tests, which go
   * at any time.
   *
   * @default false
   */
  readonly alone?: boolean;
}

/** What the tests of one file may want of their testbed. */
export interface TestbedOptions extends KrustletOptions, Company {
  /** Registries with a certificate of the cluster's authority and a user, which the node believes. */
  readonly privateRegistries?: readonly ("basic" | "token")[];
  /** What is unusual about its control plane, if nobody shares one with it. */
  readonly plane?: PlaneOptions;
}

/** What one test has: the testbed of its file, and a namespace of its own. */
export interface Scene {
  readonly cluster: Cluster;
  readonly registry: Registry;
  /** The registries with TLS and a user that the testbed was asked for. */
  readonly privateRegistries: PrivateRegistries;
  readonly node: Krustlet;
  readonly namespace: string;
  /** Pushes a guest, once, and answers its image reference. */
  image(guest: string): Promise<string>;
  /** Creates a pod in the namespace on the node. */
  pod(wish: Omit<PodWish, "nodeName">): Promise<PodRef>;
  /** Creates any object of the namespace, as `configmaps` or `/apis/apps/v1/deployments`. */
  create(resource: string, object: unknown): Promise<void>;
  /** Runs kubectl in the namespace. */
  kubectl(...args: readonly string[]): Promise<string>;
}

/**
 * Starts a testbed before the first test of this file, ends it behind the last, and answers how to
 * write tests on it: `const scenario = useTestbed(); scenario("a pod says hello", async (scene) => …)`.
 *
 * When a test fails, the end of the agent's log is shown.
 */
export function useTestbed(
  options: TestbedOptions = {},
): (name: string, run: (scene: Scene) => Promise<void>) => void {
  let bed: Testbed | undefined;
  Deno.test.beforeAll(async () => {
    bed = await Testbed.open(options);
  });
  Deno.test.afterAll(async () => {
    await bed?.[Symbol.asyncDispose]();
  });
  return (name, run) =>
    clusterTest(name, async () => {
      if (bed === undefined) throw new Error("The testbed could not be started");
      await bed.play(name, run);
    });
}

/**
 * The same for tests that start a node of their own, if any: they get the cluster only. With `unless` a
 * test is left out on machines that cannot have it.
 */
export function useCluster(company: Company = {}): (
  name: string,
  run: (cluster: Cluster) => Promise<void>,
  options?: { readonly unless?: boolean },
) => void {
  let opened: Awaited<ReturnType<typeof openCluster>> | undefined;
  Deno.test.beforeAll(async () => {
    opened = await openCluster(company);
  });
  Deno.test.afterAll(async () => {
    await opened?.[Symbol.asyncDispose]();
  });
  return (name, run, options) =>
    clusterTest(name, async () => {
      if (opened === undefined) throw new Error("The control plane could not be started");
      await run(opened.cluster);
    }, options);
}

/** A test whose processes outlive it, so that what they have open is not its leak. */
export function clusterTest(
  name: string,
  fn: () => Promise<void>,
  { unless = false }: { readonly unless?: boolean } = {},
): void {
  Deno.test({ name, fn, ignore: unless, sanitizeOps: false, sanitizeResources: false });
}

/** The shared control plane if the runner of the tests started one, else one of this file's own. */
export async function openCluster(
  { alone = false, ...options }: PlaneOptions & Company = {},
): Promise<AsyncDisposable & { readonly cluster: Cluster }> {
  const shared = alone ? undefined : Deno.env.get(SHARED_PLANE);
  if (!shared) return await startControlPlane(options);
  const cluster = await Cluster.open(shared);
  return {
    cluster,
    [Symbol.asyncDispose]: () => {
      cluster[Symbol.dispose]();
      return Promise.resolve();
    },
  };
}

/** Starts a control plane for all test files of one run, which must be given `env`. */
export async function startSharedPlane(): Promise<
  AsyncDisposable & { readonly env: Readonly<Record<string, string>> }
> {
  const plane = await startControlPlane();
  return {
    env: { [SHARED_PLANE]: plane.dir },
    [Symbol.asyncDispose]: () => plane[Symbol.asyncDispose](),
  };
}

class Testbed implements AsyncDisposable {
  readonly #plane: { readonly cluster: Cluster };
  readonly #registry: Registry;
  readonly #privateRegistries: PrivateRegistries;
  readonly #node: Krustlet;
  readonly #pushed = new Map<string, Promise<Pushed>>();

  readonly #started: AsyncDisposable;

  private constructor(parts: {
    readonly plane: { readonly cluster: Cluster };
    readonly registry: Registry;
    readonly privateRegistries: PrivateRegistries;
    readonly node: Krustlet;
    readonly started: AsyncDisposable;
  }) {
    this.#plane = parts.plane;
    this.#registry = parts.registry;
    this.#privateRegistries = parts.privateRegistries;
    this.#node = parts.node;
    this.#started = parts.started;
  }

  static async open(options: TestbedOptions): Promise<Testbed> {
    const { privateRegistries: wanted = [], plane: unusual, alone = false, ...wishes } = options;
    await using started = new AsyncDisposableStack();
    const plane = started.use(await openCluster({ ...unusual, alone }));
    const registry = started.use(await startRegistry());
    const privateRegistries = new Map<"basic" | "token", Registry>();
    const certs = join(plane.cluster.dir, "certs");
    for (const auth of wanted) {
      const user = { user: "ada", password: "lovelace: engine" };
      privateRegistries.set(auth, started.use(await startRegistry({ certs, auth, ...user })));
    }
    const node = started.use(
      await startKrustlet(plane.cluster, {
        ...wishes,
        insecureRegistries: [registry.host, ...(wishes.insecureRegistries ?? [])],
        trustedRegistries: [...privateRegistries.values()].map(({ host }) => host),
      }),
    );
    return new Testbed({ plane, registry, privateRegistries, node, started: started.move() });
  }

  async play(name: string, run: (scene: Scene) => Promise<void>): Promise<void> {
    const { cluster } = this.#plane;
    await using namespace = await cluster.namespace("test");
    try {
      await run(this.#scene(namespace.name));
    } catch (error) {
      console.error(`Failed: ${name}\n${await this.#node.tail()}`);
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#started[Symbol.asyncDispose]();
  }

  #scene(namespace: string): Scene {
    const { cluster } = this.#plane;
    const nodeName = this.#node.nodeName;
    const create = async (resource: string, object: unknown): Promise<void> => {
      const at = resource.lastIndexOf("/");
      const group = at < 0 ? "/api/v1" : resource.slice(0, at);
      await cluster.create(
        `${group}/namespaces/${namespace}/${resource.slice(at + 1)}`,
        object,
      );
    };
    return {
      cluster,
      registry: this.#registry,
      privateRegistries: this.#privateRegistries,
      node: this.#node,
      namespace,
      image: async (name) => (await this.#push(name)).image,
      create,
      pod: async (wish) => {
        await create("pods", podManifest({ ...wish, nodeName }));
        return { namespace, name: wish.name };
      },
      kubectl: (...args) => cluster.kubectl(["-n", namespace, ...args]),
    };
  }

  #push(name: string): Promise<Pushed> {
    const known = this.#pushed.get(name);
    if (known !== undefined) return known;
    const push = (async () => {
      const wasm = await Deno.readFile(await guest(name));
      return await pushArtifact(this.#registry, { repo: `guests/${name}`, wasm });
    })();
    this.#pushed.set(name, push);
    return push;
  }
}
