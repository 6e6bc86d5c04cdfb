/**
 * An agent that a test can kill: runs the modules that its arguments name, says `started` for each,
 * and never ends by itself. Arguments: `libc` or `portable`, a folder as `openFixture` makes it, then modules in it.
 * On the portable host they have a network, in which everything is allowed.
 *
 * @module
 */
import { WasiProvider } from "./mod.ts";
import { FakeNetwork } from "./testing_network.ts";

const [host, folder, ...modules] = Deno.args;
const portable = host === "portable";
const provider = new WasiProvider({
  version: "1.2.3",
  imagesDir: `${folder}/images`,
  logsDir: `${folder}/logs`,
  podsDir: `${folder}/pods`,
  deskDir: `${folder}/desk`,
  ...(portable ? { host } : {}),
});
await Promise.all(modules.map((path, number) =>
  provider.run({
    id: String(number).padStart(64, "0"),
    pod: { uid: `agent-${number}`, namespace: "default", name: "agent" },
    container: "app",
    attempt: 0,
    module: { path, digest: `sha256:${"0".repeat(64)}` },
    argv: ["guest"],
    env: {},
    rootPath: `${folder}/pods`,
    mounts: [],
    ...(portable ? { network: new FakeNetwork() } : {}),
    logPath: `${folder}/logs/agent-${number}.log`,
    // With the C library one that computes is stopped most of the time; where there is none, nobody stops it.
    limits: portable ? {} : { cpuMillis: 50 },
  }, {
    onStarted: () => console.log("started"),
    stop: new AbortController().signal,
    kill: new AbortController().signal,
  })
));
