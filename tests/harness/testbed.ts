/**
 * What most tests of a cluster need: a control plane, a registry with the guests, and one node.
 *
 * @module
 */
import { guest } from "../guests/build.ts";
import { Cluster } from "./cluster.ts";
import { startControlPlane } from "./control_plane.ts";
import { type Krustlet, type KrustletOptions, startKrustlet } from "./kubelet.ts";
import { podManifest, type PodWish } from "./manifests.ts";
import { pushArtifact, type Pushed } from "./push.ts";
import { type Registry, startRegistry } from "./registry.ts";
import type { PodRef } from "./wait_pod.ts";

/** Names the folder of a control plane that several test files share. */
const SHARED_PLANE = "KRUSTLET_TEST_PLANE";

/** What one test has: the testbed of its file, and a namespace of its own. */
export interface Scene {
  readonly cluster: Cluster;
  readonly registry: Registry;
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
  options: KrustletOptions = {},
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

/** The same for tests that start a node of their own, if any: they get the cluster only. */
export function useCluster(): (name: string, run: (cluster: Cluster) => Promise<void>) => void {
  let opened: Awaited<ReturnType<typeof openCluster>> | undefined;
  Deno.test.beforeAll(async () => {
    opened = await openCluster();
  });
  Deno.test.afterAll(async () => {
    await opened?.[Symbol.asyncDispose]();
  });
  return (name, run) =>
    clusterTest(name, async () => {
      if (opened === undefined) throw new Error("The control plane could not be started");
      await run(opened.cluster);
    });
}

/** A test whose processes outlive it, so that what they have open is not its leak. */
export function clusterTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });
}

/** The shared control plane if the runner of the tests started one, else one of this file's own. */
export async function openCluster(): Promise<AsyncDisposable & { readonly cluster: Cluster }> {
  const shared = Deno.env.get(SHARED_PLANE);
  if (!shared) return await startControlPlane();
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
  readonly #plane: AsyncDisposable & { readonly cluster: Cluster };
  readonly #registry: Registry;
  readonly #node: Krustlet;
  readonly #pushed = new Map<string, Promise<Pushed>>();

  private constructor(
    plane: AsyncDisposable & { readonly cluster: Cluster },
    registry: Registry,
    node: Krustlet,
  ) {
    this.#plane = plane;
    this.#registry = registry;
    this.#node = node;
  }

  static async open(options: KrustletOptions): Promise<Testbed> {
    await using started = new AsyncDisposableStack();
    const plane = started.use(await openCluster());
    const registry = started.use(await startRegistry());
    const insecureRegistries = [registry.host, ...(options.insecureRegistries ?? [])];
    const node = started.use(
      await startKrustlet(plane.cluster, { ...options, insecureRegistries }),
    );
    started.move();
    return new Testbed(plane, registry, node);
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
    await this.#node[Symbol.asyncDispose]();
    await this.#registry[Symbol.asyncDispose]();
    await this.#plane[Symbol.asyncDispose]();
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
