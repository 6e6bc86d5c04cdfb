import { fileURLToPath } from "node:url";
import type { Programs } from "./build.ts";

/** A server to be measured: how it is started, so that it listens at an address. */
export interface Server {
  readonly language: "Go" | "Rust";
  readonly name: string;
  /** The one that others are compared with. */
  readonly yardstick?: Yardstick;
  command(address: string): readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  /** A pod's manifest, for its standard input. It has an address of its own, whatever it is told. */
  readonly manifest?: string;
}

/** A server's name, with its language. */
export function titleOf({ language, name }: Pick<Server, "language" | "name">): string {
  return `${language}: ${name}`;
}

/** What ratios are told to. */
export type Yardstick = "native" | "wasmtime" | "wazero";

const CLI = fileURLToPath(new URL("../../wasi/cli.ts", import.meta.url));
const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const POD_PORT = 8_080;

/** A server in one language: native, with nothing but preview 1, and with sockets of its own. */
interface Builds {
  readonly native: string;
  readonly stock: string;
  readonly sockets: string;
}

/**
 * The native one first. A guest has one thread, so Go's native one has one as well; Rust's has one
 * anyway. The peers run the very module that a pod runs: no runtime but ours is here with the extension
 * for sockets.
 *
 * @param peers wasmtime may be missing
 */
export function servers(
  { go, rust, wazero }: Programs,
  peers: { readonly wasmtime: string | undefined },
): readonly Server[] {
  const { wasmtime } = peers;
  const languages = [
    { language: "Go", builds: go },
    ...(rust === undefined ? [] : [{ language: "Rust", builds: rust } as const]),
  ] as const;
  return languages.flatMap(({ language, builds }) =>
    [
      ...ours(builds),
      ...(wasmtime === undefined ? [] : [byWasmtime(wasmtime, builds)]),
      byWazero(wazero, builds),
    ].map((server) => ({ language, ...server }))
  );
}

type Unnamed = Omit<Server, "language">;

function ours({ native, stock, sockets }: Builds): Unnamed[] {
  const deno = [Deno.execPath(), "run", "-A"] as const;
  const pod = (module: string, ...args: string[]): Omit<Unnamed, "name"> => ({
    command: () => [...deno, MAIN, "run", "--grace-period", "1s", "-"],
    env: { NO_COLOR: "1" },
    manifest: podOf(module, args),
  });
  return [
    {
      name: "native, one thread",
      yardstick: "native",
      command: (at) => [native, at],
      env: { GOMAXPROCS: "1" },
    },
    { name: "pod, handed listener", ...pod(stock, "listener", `$(POD_IP):${POD_PORT}`) },
    { name: "pod, own socket", ...pod(sockets, `$(POD_IP):${POD_PORT}`) },
    {
      name: "libc host, handed listener",
      command: (at) => [...deno, CLI, "--host", "libc", "--tcplisten", at, stock, "listener", at],
    },
    {
      name: "libc host, own socket",
      command: (at) => [...deno, CLI, "--host", "libc", `--allow-net=${at}`, sockets, at],
    },
    {
      name: "portable host, own socket",
      command: (at) => [...deno, CLI, "--host", "portable", `--allow-net=${at}`, sockets, at],
    },
  ];
}

function podOf(module: string, args: readonly string[]): string {
  const podIp = { name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } };
  const container = {
    name: "hello",
    image: `file:${module}`,
    args,
    env: [podIp],
    ports: [{ containerPort: POD_PORT }],
  };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "hello" },
    spec: { containers: [container] },
  });
}

/** Version 48 answers that the flags are no longer supported; older ones take them. */
function byWasmtime(wasmtime: string, { stock }: Builds): Unnamed {
  return {
    name: "wasmtime, handed listener",
    yardstick: "wasmtime",
    command: (at) => {
      const legacy = ["-S", "preview2=n", "-S", `tcplisten=${at}`];
      return [wasmtime, "run", ...legacy, stock, "listener", at];
    },
  };
}

function byWazero(wazero: string, { stock }: Builds): Unnamed {
  return {
    name: "wazero, handed listener",
    yardstick: "wazero",
    command: (at) => [wazero, "run", `-listen=${at}`, stock, "listener", at],
  };
}
