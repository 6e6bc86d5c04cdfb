/**
 * Writes a kubeconfig for this node.
 *
 * @module
 */
import path from "node:path";
import type { ClusterAccess } from "./transport.ts";

/** What to write down. */
export interface KubeconfigWrite {
  /** A token function is not written: give `token` instead. */
  readonly access: ClusterAccess;
  /** @default {"krustlet"} */
  readonly clusterName?: string;
  /** @default {"krustlet"} */
  readonly userName?: string;
  /** @default {"krustlet"} */
  readonly contextName?: string;
  /** A fixed bearer token, as a bootstrap token. */
  readonly token?: string;
  /**
   * Name the certificate and its key as files (both may be the same file) instead of writing them
   * into the kubeconfig, so that a renewal replaces only those. Relative paths count from the
   * kubeconfig's folder. Without it `access.certPem` and `access.keyPem` are written inline: then
   * certificate and key can never be seen apart, and a renewal writes the kubeconfig again.
   */
  readonly certificateFiles?: { readonly certificate: string; readonly key: string };
}

const NAME = "krustlet";
/** Only we may read the key in it. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/** The text of a kubeconfig, as JSON (which is YAML, too). */
export function kubeconfigText(what: KubeconfigWrite): string {
  const { access, clusterName = NAME, userName = NAME, contextName = NAME } = what;
  const cluster = {
    server: access.server,
    "certificate-authority-data": base64(access.caPem),
    "tls-server-name": access.tlsServerName,
    "proxy-url": access.proxyUrl,
    "insecure-skip-tls-verify": access.insecureSkipVerify,
  };
  const user = {
    ...(what.certificateFiles === undefined
      ? {
        "client-certificate-data": base64(access.certPem),
        "client-key-data": base64(access.keyPem),
      }
      : {
        "client-certificate": what.certificateFiles.certificate,
        "client-key": what.certificateFiles.key,
      }),
    token: what.token,
  };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: clusterName, cluster }],
    users: [{ name: userName, user }],
    contexts: [{
      name: contextName,
      context: { cluster: clusterName, user: userName, namespace: access.namespace },
    }],
    "current-context": contextName,
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/**
 * Writes the kubeconfig with mode 0600, beside and then renamed, so that nobody ever reads half of
 * it. Folders that are missing are made with mode 0700.
 */
export async function writeKubeconfig(file: string, what: KubeconfigWrite): Promise<void> {
  await Deno.mkdir(path.dirname(file), { recursive: true, mode: FOLDER_MODE });
  const beside = `${file}.${crypto.randomUUID()}.tmp`;
  try {
    await writeSynced(beside, new TextEncoder().encode(kubeconfigText(what)));
    await Deno.rename(beside, file);
  } catch (error) {
    await Deno.remove(beside).catch(() => {});
    throw error;
  }
}

/** Synced: else a power cut after the rename may leave an empty file where the only key was. */
async function writeSynced(file: string, bytes: Uint8Array): Promise<void> {
  using out = await Deno.open(file, { createNew: true, write: true, mode: FILE_MODE });
  for (let done = 0; done < bytes.length;) done += await out.write(bytes.subarray(done));
  await out.sync();
}

function base64(pem: string | undefined): string | undefined {
  return pem === undefined ? undefined : new TextEncoder().encode(pem).toBase64();
}
