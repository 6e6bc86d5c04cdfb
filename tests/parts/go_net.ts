/**
 * Go programs whose package `net` has sockets on WASI.
 *
 * Go's own has none for wasip1: what a program listens on, only the program itself can reach. The
 * files in `go_net/` take that part's place (`go build -overlay`), and speak WasmEdge's socket
 * extension, so that programs need no change.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hashFolder } from "./cache.ts";
import { runTool } from "./run.ts";

const SOURCES = fileURLToPath(new URL("./go_net", import.meta.url));

/** What stands where in Go's own sources. No file means that this one is left out. */
const REPLACED: Readonly<Record<string, string | undefined>> = {
  "net/fd_fake.go": "fd.go",
  "net/fd_wasip1.go": undefined,
  "net/net_fake.go": "socket.go",
  "net/sockopt_fake.go": "options.go",
  "net/tcpsockopt_stub.go": undefined,
  "net/host_wasip1.go": "host.go",
  "net/packets_wasip1.go": "packets.go",
  "os/signal/signal_unix.go": "signal.go",
  "os/sys_bsd.go": "hostname.go",
};

/** Writes the file that `-overlay` of `go build` reads into `folder`, and answers its path. */
export async function writeGoNetOverlay(folder: string): Promise<string> {
  const goRoot = (await runTool(["go", "env", "GOROOT"], { cwd: SOURCES })).trim();
  const replaced = Object.entries(REPLACED).map(([theirs, ours]) => [
    join(goRoot, "src", theirs),
    ours === undefined ? "" : join(SOURCES, ours),
  ]);
  const path = join(folder, "go_net_overlay.json");
  await Deno.writeTextFile(path, JSON.stringify({ Replace: Object.fromEntries(replaced) }));
  return path;
}

/** Changes whenever the overlay does. */
export async function goNetVersion(): Promise<string> {
  const files = await hashFolder(SOURCES, (name) => name.endsWith(".go"));
  return `${files} ${JSON.stringify(REPLACED)}`;
}

if (import.meta.main) {
  const [folder = "."] = Deno.args;
  console.log(await writeGoNetOverlay(folder));
}
