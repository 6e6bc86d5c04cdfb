/**
 * Who this node is for its cluster: what `lib` speaks with, from what `certs` asks for and renews.
 *
 * @module
 */
import type {
  CertificateSigningRequest,
  CertificateStore,
  KeyPair,
  NodeCertificates,
} from "./certs/mod.ts";
import type {
  ApiClient,
  CertificateFacts,
  ClusterAccess,
  DoctorOptions,
  KrustletConfig,
  LoadedKubeconfig,
  Speech,
} from "./lib/mod.ts";

/** How the node speaks to the API server: by its kubeconfig, which a bootstrap writes first. */
export async function nodeAccess(
  config: KrustletConfig,
  { userAgent, signal }: { readonly userAgent: string; readonly signal: AbortSignal },
): Promise<LoadedKubeconfig> {
  const lib = await import("./lib/mod.ts");
  const certs = await import("./certs/mod.ts");
  const store = new certs.CertificateStore(certs.clientFiles(`${config.dataDir}/config`));
  // Also ends what was cut short, before the kubeconfig leads to these files.
  const lost = (await store.load()).kind === "unusable";
  const canBootstrap = await lib.fileExists(config.bootstrapFile);
  if (await lib.fileExists(config.kubeconfig) && !(lost && canBootstrap)) {
    const access = await lib.loadKubeconfig({ path: config.kubeconfig });
    const stored = (await store.read())?.pair;
    const given = { kubeconfig: pairOf(access), stored, nodeName: config.nodeName };
    const choice = certs.chooseClientPair(given, Date.now());
    if (choice.use === "kubeconfig") return access;
    if (choice.use === "pair") return withPair(access, choice.pair);
    // Renewal came too late. What a bootstrap gave, a bootstrap may give anew.
    if (!choice.ours || !canBootstrap) {
      throw new lib.KubeletError(
        "invalid",
        `Cannot use kubeconfig "${config.kubeconfig}": its client certificate has expired, at \
${new Date(choice.expiredMs).toISOString()}; ${
          choice.ours
            ? `make a bootstrap file "${config.bootstrapFile}" with krustlet bootstrap`
            : "put one that is valid into it"
        }`,
      );
    }
  }
  if (!canBootstrap) throw nothingToJoinWith(config, lib);
  const bootstrapAccess = await lib.loadKubeconfig({ path: config.bootstrapFile });
  using client = new lib.ApiClient(bootstrapAccess, { userAgent });
  await certs.obtainCertificate({
    requests: lib.certificateRequests<CertificateSigningRequest>(client),
    kind: "client",
    nodeName: config.nodeName,
    durationMs: config.certificates.durationMs,
    store,
    signal,
    notify: (line) => console.log(line),
  });
  const cluster = kubeconfigCluster(bootstrapAccess);
  await certs.writeKubeconfig(config.kubeconfig, certs.nodeKubeconfig(cluster, store.files));
  return await lib.loadKubeconfig({ path: config.kubeconfig });
}

/** What the certificate of the node's own API is for, and where it is kept. */
async function servingOf(config: KrustletConfig): Promise<
  { store: CertificateStore; dnsNames: string[]; ipAddresses: string[] }
> {
  const { CertificateStore } = await import("./certs/mod.ts");
  const { certFile: certificateFile, privateKeyFile: keyFile } = config;
  return {
    store: new CertificateStore({ certificateFile, keyFile }),
    dnsNames: [config.hostname],
    ipAddresses: [config.nodeIp],
  };
}

/** The certificate of the node's own API to begin with. */
export async function servingPair(
  config: KrustletConfig,
  { client, signal }: { readonly client: ApiClient; readonly signal: AbortSignal },
): Promise<KeyPair> {
  const certs = await import("./certs/mod.ts");
  const lib = await import("./lib/mod.ts");
  return await certs.obtainCertificate({
    requests: lib.certificateRequests<CertificateSigningRequest>(client),
    kind: "serving",
    nodeName: config.nodeName,
    durationMs: config.certificates.durationMs,
    ...await servingOf(config),
    signal,
    notify: (line) => console.log(line),
  });
}

/** What keeps both certificates alive while the node runs. */
export async function renewalOf(
  config: KrustletConfig,
  now: {
    readonly client: ApiClient;
    readonly access: LoadedKubeconfig;
    readonly serving: KeyPair;
    readonly userAgent: string;
  },
): Promise<NodeCertificates> {
  const lib = await import("./lib/mod.ts");
  const certs = await import("./certs/mod.ts");
  const { client, access, serving, userAgent } = now;
  const { certificates: { rotateClient, rotateServing, durationMs }, nodeName } = config;
  const pair = access.plugin === true ? undefined : pairOf(access);
  return await certs.NodeCertificates.open({
    nodeName,
    durationMs,
    requests: () => lib.certificateRequests<CertificateSigningRequest>(client),
    ...(pair === undefined ? {} : {
      client: {
        pair,
        asks: rotateClient,
        store: new certs.CertificateStore(certs.clientFiles(`${config.dataDir}/config`)),
        kubeconfig: async () => pairOf(await lib.loadKubeconfig({ path: config.kubeconfig })),
        take: (next) => client.replaceAccess(withPair(access, next)),
        bootstrap: async () => {
          if (!await lib.fileExists(config.bootstrapFile)) return undefined;
          const bootstrapAccess = await lib.loadKubeconfig({ path: config.bootstrapFile });
          const other = new lib.ApiClient(bootstrapAccess, { userAgent });
          const requests = lib.certificateRequests<CertificateSigningRequest>(other);
          return { ...requests, [Symbol.dispose]: () => other.close() };
        },
      },
    }),
    serving: { ...await servingOf(config), pair: serving, asks: rotateServing },
    notify: (line) => console.log(line),
  });
}

/** How this machine would speak to its cluster, and what certificates it has; touches nothing. */
export async function examineIdentity(
  config: KrustletConfig,
): Promise<Pick<DoctorOptions, "speech" | "certificates" | "canBootstrap">> {
  const lib = await import("./lib/mod.ts");
  const canBootstrap = await lib.fileExists(config.bootstrapFile);
  const { speech, client } = await speechOf(config, canBootstrap).catch((error: unknown) => {
    const speech: Speech = { as: "nobody", message: lib.messageOf(error) };
    return { speech, client: undefined };
  });
  return { speech, canBootstrap, certificates: { client, serving: await servingFacts(config) } };
}

async function speechOf(
  config: KrustletConfig,
  canBootstrap: boolean,
): Promise<{ readonly speech: Speech; readonly client: CertificateFacts | undefined }> {
  const lib = await import("./lib/mod.ts");
  const certs = await import("./certs/mod.ts");
  const { kubeconfig, bootstrapFile, nodeName, certificates: { rotateClient } } = config;
  if (await lib.fileExists(kubeconfig)) {
    const access = await lib.loadKubeconfig({ path: kubeconfig });
    const where = `kubeconfig "${kubeconfig}"`;
    const own = pairOf(access);
    if (own === undefined) return { speech: { as: "node", access, where }, client: undefined };
    const store = new certs.CertificateStore(certs.clientFiles(`${config.dataDir}/config`));
    const given = { kubeconfig: own, stored: (await store.read())?.pair, nodeName };
    const choice = certs.chooseClientPair(given, Date.now());
    const pair = choice.use === "pair" ? choice.pair : own;
    const certificate = certs.readCertificate(pair.certificatePem);
    return {
      speech: { as: "node", access: withPair(access, pair), where },
      client: {
        ...certificate,
        file: pair === given.stored ? store.files.certificateFile : kubeconfig,
        missing: [],
        renewed: rotateClient && certs.isNodes(certificate),
      },
    };
  }
  if (!canBootstrap) throw nothingToJoinWith(config, lib);
  const access = await lib.loadKubeconfig({ path: bootstrapFile });
  const where = `bootstrap file "${bootstrapFile}"`;
  return { speech: { as: "bootstrap", access, where }, client: undefined };
}

async function servingFacts(config: KrustletConfig): Promise<CertificateFacts | undefined> {
  const certs = await import("./certs/mod.ts");
  const { store, ...names } = await servingOf(config);
  const found = await store.read().catch(() => undefined); // as good as none; a start says why
  if (found === undefined) return undefined;
  const certificate = certs.readCertificate(found.pair.certificatePem);
  const isNodes = certs.isNodes(certificate);
  return {
    ...certificate,
    file: store.files.certificateFile,
    missing: isNodes ? certs.missingNames(certificate, names) : [],
    renewed: config.certificates.rotateServing && isNodes,
  };
}

/** The client certificate of a kubeconfig, if it has one. */
function pairOf({ certPem, keyPem }: ClusterAccess): KeyPair | undefined {
  if (certPem === undefined || keyPem === undefined) return undefined;
  return { certificatePem: certPem, keyPem };
}

function withPair(access: LoadedKubeconfig, pair: KeyPair): LoadedKubeconfig {
  return { ...access, certPem: pair.certificatePem, keyPem: pair.keyPem };
}

/** The cluster of a kubeconfig, as it is written into another one. */
export function kubeconfigCluster(access: ClusterAccess): Parameters<
  typeof import("./certs/mod.ts").nodeKubeconfig
>[0] {
  const ca = access.caPem;
  return {
    server: access.server,
    ...(ca === undefined ? {} : {
      "certificate-authority-data": new TextEncoder().encode(ca).toBase64(),
    }),
    ...(access.tlsServerName === undefined ? {} : { "tls-server-name": access.tlsServerName }),
  };
}

function nothingToJoinWith(
  { kubeconfig, bootstrapFile }: KrustletConfig,
  { KubeletError }: typeof import("./lib/mod.ts"),
): Error {
  return new KubeletError(
    "invalid",
    `Cannot join a cluster: there is neither a kubeconfig "${kubeconfig}" nor a bootstrap file \
"${bootstrapFile}"; make one with: krustlet bootstrap`,
  );
}
