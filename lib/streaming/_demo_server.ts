/**
 * A server with nothing behind it but streams, so that the clients of others can be tried on them:
 *
 *     deno run -A lib/streaming/_demo_server.ts server.crt server.key
 *
 * It says on which port it listens, and then what ends. `POST /exec?command=…` takes a kubelet's
 * parameters `input`, `output`, `error` and `tty`; `POST /forward` leads to ports of this machine. It
 * ends with its stdin.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { acceptPortForward, acceptRemoteCommand, refuseUpgrade } from "./accept.ts";
import type {
  CommandEnd,
  ForwardedConnection,
  Output,
  RemoteCommandSession,
  TerminalSize,
} from "./session.ts";
import { UpgradeRefusal } from "./upgrade.ts";

/** Bytes in one write of what makes much output. */
const PIECE_BYTES = 64 * 1024;

interface Command {
  readonly session: RemoteCommandSession;
  readonly params: URLSearchParams;
}

/** What can be run; `command` names one. */
const COMMANDS: Readonly<Record<string, (command: Command) => Promise<CommandEnd>>> = {
  /** Gives back what comes in. */
  echo: async ({ session: { stdin, stdout } }) => {
    for await (const bytes of stdin!) await stdout!.write(bytes);
    return { kind: "exited", code: 0 };
  },
  /** Says how much came in. */
  count: async ({ session: { stdin, stdout } }) => {
    let count = 0;
    for await (const bytes of stdin!) count += bytes.length;
    return await say(stdout, `${count}\n`);
  },
  /** Writes `bytes` bytes. */
  produce: async ({ session: { stdout }, params }) => {
    let left = Number(params.get("bytes"));
    const piece = new Uint8Array(PIECE_BYTES).fill(65);
    for (; left > 0; left -= PIECE_BYTES) await stdout!.write(piece.subarray(0, left));
    return { kind: "exited", code: 0 };
  },
  /** Ends with `code`, and says something on both streams before. */
  exit: async ({ session: { stdout, stderr }, params }) => {
    await say(stdout, "to stdout\n");
    await say(stderr, "to stderr\n");
    return { kind: "exited", code: Number(params.get("code")) };
  },
  fail: () => Promise.resolve({ kind: "failed", message: "there is no such program" }),
  /** Says the sizes of the terminal, `count` of them. */
  sizes: async ({ session: { resizes, stdout }, params }) => {
    let left = Number(params.get("count"));
    for await (const { width, height } of resizes as AsyncIterable<TerminalSize>) {
      await say(stdout, `${width}x${height}\n`);
      if (--left === 0) break;
    }
    return { kind: "exited", code: 0 };
  },
  /** Reads nothing, and does not end before its peer. */
  hold: async ({ session: { stdout, closed } }) => {
    await say(stdout, "holding\n");
    await new Promise((resolve) => closed.addEventListener("abort", resolve, { once: true }));
    return { kind: "exited", code: 0 };
  },
};

async function say(output: Output | undefined, text: string): Promise<CommandEnd> {
  await output?.write(new TextEncoder().encode(text));
  return { kind: "exited", code: 0 };
}

async function serve(
  { request, socket, head, signal }: {
    request: IncomingMessage;
    socket: Duplex;
    head: Uint8Array;
    signal: AbortSignal;
  },
): Promise<void> {
  const { pathname, searchParams: params } = new URL(request.url ?? "/", "https://localhost");
  const upgrade = { request, socket, head };
  // A peer that goes away should be noticed soon.
  const times = { pingMs: 200 };
  if (pathname === "/forward") {
    for await (const connection of await acceptPortForward(upgrade, { signal, times })) {
      void forward(connection);
    }
    return console.log("ended: forward");
  }
  const asked = (name: string): boolean => params.get(name) === "1";
  const name = params.get("command") ?? "";
  const command = COMMANDS[name];
  if (command === undefined) throw new UpgradeRefusal(404, "there is no such command");
  const session = await acceptRemoteCommand(upgrade, {
    streams: {
      stdin: asked("input"),
      stdout: asked("output"),
      stderr: asked("error") && !asked("tty"),
      tty: asked("tty"),
    },
    signal,
    times,
  });
  const end = await command({ session, params }).catch((error): CommandEnd => ({
    kind: "failed",
    message: String(error),
  }));
  await session.exit(end);
  console.log(`ended: ${name}`);
}

async function forward(connection: ForwardedConnection): Promise<void> {
  const { port, data } = connection;
  try {
    using target = await Deno.connect({ hostname: "127.0.0.1", port });
    // Closing its writable would close the whole connection.
    const there = data.readable.pipeTo(target.writable, { preventClose: true })
      .then(() => target.closeWrite());
    const back = target.readable.pipeTo(data.writable);
    // One direction may end long before the other; a broken one breaks both.
    await Promise.all([there, back]);
    await connection.end();
  } catch (error) {
    await connection.fail(`cannot forward port ${port}: ${error}`);
  }
  console.log(`ended: port ${port}`);
}

if (import.meta.main) {
  const [cert, key] = await Promise.all(
    Deno.args.slice(0, 2).map((path) => Deno.readTextFile(path)),
  );
  const stop = new AbortController();
  const server = createServer({ cert: cert!, key: key! });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Uint8Array) => {
    serve({ request, socket, head, signal: stop.signal }).catch((error) => {
      if (error instanceof UpgradeRefusal) {
        refuseUpgrade(socket, { ...error, status: error.status, text: error.message });
      } else {
        console.log(`error: ${error}`);
        socket.destroy();
      }
    });
  });
  server.listen(0, "127.0.0.1", () => {
    console.log(`listening: ${(server.address() as AddressInfo).port}`);
  });
  for await (const _ of Deno.stdin.readable);
  stop.abort();
  server.close();
}
