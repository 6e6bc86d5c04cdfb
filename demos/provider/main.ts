/**
 * A node agent around a provider of one's own. Its flags are krustlet's:
 *
 *     deno run -A demos/provider/main.ts --node-ip 192.0.2.10 --bootstrap-file bootstrap.conf
 *
 * @module
 */
import {
  ApiClient,
  configureLogging,
  Kubelet,
  lockDataDir,
  parseConfig,
  readClientCa,
} from "../../lib/mod.ts";
import { nodeAccess, servingPair } from "../../node_identity.ts";
import { NodeWasiProvider } from "./node_wasi_provider.ts";

/** Who asks, in the API server's log, and the version that the node tells. */
const [NAME, VERSION] = ["node-wasi-kubelet", "0.1.0"];

// #region main
const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(name, () => stop.abort());
}
const { signal } = stop;
const config = await parseConfig({ args: Deno.args });
await configureLogging({ level: config.logLevel, format: config.logFormat, colour: false });
await lockDataDir(config.dataDir);

const access = await nodeAccess(config, { userAgent: NAME, signal });
using client = new ApiClient(access, { userAgent: NAME });
const serving = await servingPair(config, { client, signal });
const authority = await readClientCa(client, { file: undefined, cluster: access.caPem });
if (authority === undefined) throw new Error("Cannot tell whose client certificates to believe");

const kubelet = new Kubelet({
  settings: config,
  version: VERSION,
  client,
  provider: new NodeWasiProvider(),
  serving: { certPem: serving.certificatePem, keyPem: serving.keyPem },
  clientCaPem: authority,
});
await kubelet.run(signal);
// #endregion main
Deno.exit(0); // signal listeners keep a program alive
