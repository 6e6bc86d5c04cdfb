/**
 * Services whose endpoints are in the hand of a test: servers of its own, on an address of this machine.
 *
 * @module
 */
import type { KubeObject } from "./objects.ts";
import { machineAddress } from "./ports.ts";
import type { Scene } from "./testbed.ts";

/** A server for TCP that answers each line with its name, and can die with everything that it has open. */
export class LineServer implements Disposable {
  readonly name: string;
  readonly #listener: Deno.TcpListener;
  readonly #open = new Set<Deno.Conn>();
  #dead = false;

  constructor(name: string, port = 0) {
    this.name = name;
    this.#listener = Deno.listen({ hostname: machineAddress(), port });
    void this.#serve();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Connections that are open. */
  get open(): number {
    return this.#open.size;
  }

  /** Nobody listens any more, and what was open is torn. */
  die(): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#listener.close();
    for (const connection of this.#open) connection.close();
    this.#open.clear();
  }

  [Symbol.dispose](): void {
    this.die();
  }

  async #serve(): Promise<void> {
    for await (const connection of this.#listener) {
      this.#open.add(connection);
      void this.#answer(connection);
    }
  }

  async #answer(connection: Deno.TcpConn): Promise<void> {
    const bytes = new Uint8Array(1_024);
    const line = new TextEncoder().encode(`${this.name}\n`);
    try {
      while (await connection.read(bytes) !== null) await connection.write(line);
    } catch {
      // It was torn.
    }
    if (this.#open.delete(connection)) connection.close();
  }
}

/** What a Service made by {@linkcode makeService} leads to. */
export interface Behind {
  /** Of this machine; none: nobody serves. */
  readonly port: number | undefined;
  /** @default "TCP" */
  readonly protocol?: "TCP" | "UDP";
}

/** Makes a Service without a selector, led to a port of this machine; answers its address. */
export async function makeService(
  scene: Scene,
  name: string,
  { servicePort, clusterIP, ...behind }: Behind & {
    readonly servicePort: number;
    /** @default {the cluster chooses} */
    readonly clusterIP?: string;
  },
): Promise<string> {
  const { protocol = "TCP" } = behind;
  await scene.create("services", {
    metadata: { name },
    spec: { clusterIP, ports: [{ name: "main", port: servicePort, protocol }] },
  });
  await scene.create("/apis/discovery.k8s.io/v1/endpointslices", {
    metadata: { name, labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ...standing(behind),
  });
  const { spec } = await scene.cluster.get<KubeObject & { spec: { clusterIP: string } }>(
    `/api/v1/namespaces/${scene.namespace}/services/${name}`,
  );
  return spec.clusterIP;
}

/** Leads it elsewhere. */
export async function leadService(scene: Scene, name: string, behind: Behind): Promise<void> {
  const slices = `/apis/discovery.k8s.io/v1/namespaces/${scene.namespace}/endpointslices`;
  await scene.cluster.patch(`${slices}/${name}`, standing(behind));
}

function standing({ port, protocol = "TCP" }: Behind): Record<string, unknown> {
  if (port === undefined) return { ports: [], endpoints: [] };
  return {
    ports: [{ name: "main", port, protocol }],
    endpoints: [{ addresses: [machineAddress()], conditions: { ready: true } }],
  };
}
