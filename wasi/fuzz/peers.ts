/**
 * Whoever runs the same guest as we do, to be compared with. For tests only.
 *
 * @module
 */
import { compile } from "../compile.ts";
import type { System } from "../host/host.ts";
import { Probe } from "../testing/probe.ts";

/** Runs a guest in a folder, gives it an input and answers its output. */
export type Peer = (options: {
  readonly bytes: Uint8Array;
  readonly box: string;
  readonly input: Uint8Array;
}) => Promise<Uint8Array>;

/** One of our own hosts, in this process. */
export function ownPeer(host: System): Peer {
  return ({ bytes, box, input }) => {
    const output: number[] = [];
    let at = 0;
    using probe = new Probe(host, {
      preopens: [{ hostPath: box, guestPath: "/" }],
      stdin(into): number {
        const part = input.subarray(at, at + into.length);
        into.set(part);
        at += part.length;
        return part.length;
      },
      stdout(written): void {
        for (const byte of written) output.push(byte);
      },
    });
    probe.run(compile(bytes));
    return Promise.resolve(new Uint8Array(output));
  };
}

/**
 * wasmtime (`$WASMTIME`, or on the PATH), if this machine has it. Node's WASI is no peer: some of its
 * refusals leave a descriptor locked, and the next call on it waits for ever.
 */
export async function wasmtimePeer(): Promise<Peer | undefined> {
  const command = Deno.env.get("WASMTIME") ?? "wasmtime";
  if (!await answers(command)) return undefined;
  return (options) =>
    runGuest(options, {
      command,
      args: (file) => ["run", "--dir", `${options.box}::/`, file],
    });
}

async function answers(command: string): Promise<boolean> {
  try {
    const child = new Deno.Command(command, {
      args: ["--version"],
      stdout: "null",
      stderr: "null",
    });
    return (await child.output()).success;
  } catch {
    return false;
  }
}

async function runGuest(
  { bytes, input }: Parameters<Peer>[0],
  { command, args }: { command: string; args: (file: string) => readonly string[] },
): Promise<Uint8Array> {
  const file = await Deno.makeTempFile({ suffix: ".wasm" });
  try {
    await Deno.writeFile(file, bytes);
    const child = new Deno.Command(command, {
      args: [...args(file)],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    const [{ success, stdout, stderr }] = await Promise.all([
      child.output(),
      writer.write(input).then(() => writer.close()),
    ]);
    if (!success) throw new Error(`${command}: ${new TextDecoder().decode(stderr)}`);
    return stdout;
  } finally {
    await Deno.remove(file);
  }
}
