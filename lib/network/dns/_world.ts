/**
 * A cluster and other servers, for tests of names.
 *
 * @module
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import type { Pod } from "../../api/types.ts";
import type { Endpoint } from "../../guest_network.ts";
import { endpoint, service, slice, tableOf } from "../services/_cluster.ts";
import type { ServiceTable } from "../services/table.ts";
import { type DnsSources, NameFinder } from "./finder.ts";
import { readQuery } from "./message.ts";
import { formatName } from "./name.ts";
import { NodeDns } from "./node_dns.ts";
import { MessageSplitter, withLength } from "./tcp_messages.ts";
import { Upstream } from "./upstream.ts";
import { type OwnRecord, type OwnReply, writeReply } from "./write_message.ts";

/** Domain of the cluster. */
export const DOMAIN = ["cluster", "local"];

/** Pod `shop/client` at 10.1.0.200. */
export function pod(spec: object = {}): Pod {
  return {
    metadata: { name: "client", namespace: "shop", uid: "uid-client" },
    spec: { containers: [], ...spec },
  };
}

/** A cluster with a Service of each kind. */
export function cluster(): ServiceTable {
  const api = service("kubernetes", {
    namespace: "default",
    clusterIP: "10.0.0.1",
    ports: [{ name: "https", port: 443 }],
  });
  const web = service("web", {
    clusterIP: "10.0.0.7",
    clusterIPs: ["10.0.0.7", "fd00:1::7"],
    ports: [{ name: "http", port: 80 }, { name: "dns", port: 53, protocol: "UDP" }],
  });
  const ports = [{ name: "sql", port: 5432 }];
  return tableOf([
    api,
    web,
    service("db", { clusterIP: "None", ports }),
    service("early", { clusterIP: "None", publishNotReadyAddresses: true }),
    service("empty", { clusterIP: "None" }),
    service("other", { namespace: "lab", clusterIP: "10.0.0.8" }),
    service("site", { type: "ExternalName", externalName: "www.example.com." }),
    service("near", { type: "ExternalName", externalName: "web.shop.svc.cluster.local" }),
    service("round", { type: "ExternalName", externalName: "round.shop.svc.cluster.local" }),
  ], [
    slice("db", [
      endpoint(1, { hostname: "db-0" }),
      endpoint(2, { hostname: "db-1" }),
      endpoint(3),
      endpoint(4, { conditions: { ready: false } }),
    ], { headless: true, ports }),
    slice("db", [{ addresses: ["fd00::1"], hostname: "db-0" }], {
      name: "db-6",
      addressType: "IPv6",
      headless: true,
      ports,
    }),
    slice("early", [endpoint(5, { conditions: { ready: false } })], { headless: true }),
  ]);
}

/** What a server knows: records by `type name`, a code, or nothing at all. */
export type Zone = Readonly<
  Record<string, readonly OwnRecord[] | number | "silence" | "truncated">
>;

/** A server for names on a free port of loopback, that says what a zone has. */
export class OtherServer implements AsyncDisposable {
  readonly endpoint: Endpoint;
  /** What it was asked, as `udp 1 www.example.com`. */
  readonly asked: string[] = [];
  readonly #stop: () => Promise<void>;

  private constructor(endpoint: Endpoint, stop: () => Promise<void>) {
    this.endpoint = endpoint;
    this.#stop = stop;
  }

  static async start(zone: Zone): Promise<OtherServer> {
    const { udp, tcp, port } = await listen();
    const answer = (bytes: Uint8Array, over: "udp" | "tcp"): Uint8Array | undefined => {
      const query = readQuery(bytes);
      const name = formatName(query.question.name).toLowerCase();
      server.asked.push(`${over} ${query.question.type} ${name}`);
      const said = zone[`${query.question.type} ${name}`] ?? 3;
      if (said === "silence") return undefined;
      const reply: OwnReply = { rcode: 0, authoritative: false, ttlSeconds: 60 };
      if (typeof said === "number") return writeReply(query, { ...reply, rcode: said, over });
      if (said !== "truncated") return writeReply(query, { ...reply, answers: said, over });
      if (over === "tcp") {
        const { name } = query.question;
        const answers: OwnRecord[] = [{ name, type: "A", ip: "198.51.100.99" }];
        return writeReply(query, { ...reply, answers, over });
      }
      const bare = writeReply(query, { ...reply, over });
      bare[2] = bare[2]! | 2;
      return bare;
    };
    udp.on("message", (bytes: Uint8Array, from) => {
      const reply = answer(new Uint8Array(bytes), "udp");
      if (reply !== undefined) udp.send(reply, from.port, from.address);
    });
    tcp.on("connection", (socket) => {
      const splitter = new MessageSplitter(65_535);
      socket.on("error", () => {});
      socket.on("data", (chunk: Uint8Array) => {
        for (const bytes of splitter.push(chunk)) {
          const reply = answer(bytes, "tcp");
          if (reply !== undefined) socket.write(withLength(reply));
        }
      });
    });
    const server = new OtherServer({ ip: "127.0.0.1", port }, async () => {
      const closed = [once(udp, "close"), once(tcp, "close")];
      udp.close();
      tcp.close();
      await Promise.all(closed);
    });
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
  }
}

/** One port for packets and connections: a port that is free for the ones may be taken for the others. */
async function listen(): Promise<{ udp: Socket; tcp: Server; port: number }> {
  for (;;) {
    const udp = createSocket("udp4");
    udp.bind({ address: "127.0.0.1", port: 0 });
    await once(udp, "listening");
    const { port } = udp.address();
    const tcp = createServer();
    try {
      tcp.listen({ host: "127.0.0.1", port });
      await once(tcp, "listening");
      return { udp, tcp, port };
    } catch {
      const closed = once(udp, "close");
      udp.close();
      await closed;
    }
  }
}

/** Names by a cluster, whose node asks 192.0.2.53 unless its file says otherwise: `servers` says where that is. */
export async function sources(
  options: Partial<DnsSources> & {
    readonly servers?: Readonly<Record<string, Endpoint>>;
    readonly resolvConf?: string;
    readonly signal: AbortSignal;
  },
): Promise<NameFinder & Disposable> {
  const { servers = {}, resolvConf = "nameserver 192.0.2.53\noptions timeout:1 attempts:1\n" } =
    options;
  const path = await Deno.makeTempFile({ prefix: "krustlet-resolv-" });
  await Deno.writeTextFile(path, resolvConf);
  const finder = new NameFinder({
    table: cluster(),
    domain: DOMAIN,
    clusterDns: [],
    node: new NodeDns(path),
    upstream: new Upstream({ route: ({ ip }) => servers[ip] }),
    lookup: (name) => Promise.reject(new Error(`nobody looks for ${name} in tests`)),
    ...options,
  });
  return Object.assign(finder, { [Symbol.dispose]: () => Deno.removeSync(path) });
}
