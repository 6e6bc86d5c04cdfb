/**
 * All registries of the table, and the table.
 *
 * @module
 */
import { join } from "node:path";
import { guest } from "../guests/build.ts";
import { tempFolder } from "../harness/temp_folder.ts";
import type { BadImages, World } from "./bad_image.ts";
import { BLOBS } from "./blobs.ts";
import { Authority } from "./certificates.ts";
import { MANIFESTS } from "./manifests.ts";
import { NAMES } from "./names.ts";
import { PEERS } from "./peers.ts";
import { BadRegistry } from "./registry.ts";
import { imagePolicy, SIGNATURES } from "./signatures.ts";
import { startTlsPeers, tlsImages } from "./tls.ts";
import { TOKENS } from "./tokens.ts";
import { TREES } from "./trees.ts";

/** Everything that a test of the table needs. */
export interface BadWorld extends World, AsyncDisposable {
  readonly rows: BadImages;
  /** What the agent must be told about these registries. */
  readonly agentArgs: readonly string[];
  readonly insecureRegistries: readonly string[];
}

/** Starts the registries. */
export async function openWorld(): Promise<BadWorld> {
  await using started = new AsyncDisposableStack();
  const folder = started.use(await tempFolder());
  const authority = new Authority();
  const registry = started.use(await BadRegistry.start());
  const secure = started.use(await BadRegistry.start(authority.issue()));
  const peers = await startTlsPeers(authority);
  for (const peer of Object.values(peers)) started.use(peer.registry);
  const authorityFile = join(folder.path, "authority.pem");
  await Deno.writeTextFile(authorityFile, authority.pem);
  const policyFile = join(folder.path, "policy.json");
  await Deno.writeTextFile(policyFile, imagePolicy({ registry }));
  const hosts = (isMeant: (peer: typeof peers[string]) => boolean): string[] =>
    Object.values(peers).filter(isMeant).map(({ registry }) => registry.host);
  const trusted = [secure.host, ...hosts(({ isTrusted }) => isTrusted)];
  const hello = await Deno.readFile(await guest("hello"));
  const world = { registry, secure, hello };
  const rows = {
    ...{ ...NAMES, ...PEERS, ...tlsImages(peers), ...TOKENS },
    ...{ ...MANIFESTS, ...BLOBS, ...TREES, ...SIGNATURES },
  };
  const all = started.move();
  return {
    ...world,
    rows,
    agentArgs: [
      ...["--registry-ca", trusted.map((host) => `${host}=${authorityFile}`).join(",")],
      ...["--image-policy", policyFile],
    ],
    insecureRegistries: [registry.host, ...hosts(({ isPlain }) => isPlain)],
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
