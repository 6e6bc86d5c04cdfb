/**
 * Kubeconfig files: the one that a bootstrap token gives, and the one of the node itself.
 *
 * Both are written as JSON, which every reader of YAML reads.
 *
 * @module
 */
import { type BootstrapToken, bootstrapTokenText } from "./bootstrap_token.ts";
import { writePrivateFile } from "./private_file.ts";

/** How to reach an API server, as in the `cluster` of a kubeconfig. */
export interface ClusterAccess {
  /** URL of the API server, as `https://10.0.0.1:6443`. */
  readonly server: string;
  /** A PEM bundle, in base64. */
  readonly "certificate-authority-data"?: string;
  /** Path of a PEM bundle; its data is preferred. */
  readonly "certificate-authority"?: string;
  /** Name that the server's certificate is checked for. @default {the URL's host} */
  readonly "tls-server-name"?: string;
  /** True believes any certificate of the server. @default {false} */
  readonly "insecure-skip-tls-verify"?: boolean;
  /** URL of the proxy through which the server is reached. @default {none} */
  readonly "proxy-url"?: string;
}

/** A kubeconfig with one cluster, one user and one context. */
export interface Kubeconfig {
  /** The version of the format. */
  readonly apiVersion: "v1";
  /** The kind of object that a kubeconfig is. */
  readonly kind: "Config";
  /** Where the API server is. */
  readonly clusters: readonly [{ readonly name: string; readonly cluster: ClusterAccess }];
  /** Who asks: names and values of one way to log in. They may be secret. */
  readonly users: readonly [
    { readonly name: string; readonly user: Readonly<Record<string, string>> },
  ];
  /** Which user asks which cluster. */
  readonly contexts: readonly [
    {
      readonly name: string;
      readonly context: {
        readonly cluster: string;
        readonly user: string;
        readonly namespace?: string;
      };
    },
  ];
  /** The name of the context above. */
  readonly "current-context": string;
}

/**
 * The kubeconfig that lets a machine bootstrap, with Krustlet's names of context and user.
 *
 * Paths in `cluster` are of the administrator's machine: hand in the authority's data instead.
 */
export function bootstrapKubeconfig(cluster: ClusterAccess, token: BootstrapToken): Kubeconfig {
  return kubeconfig(cluster, {
    clusterName: "kubernetes",
    userName: "tls-bootstrap-token-user",
    contextName: "tls-bootstrap-token-user@kubernetes",
    namespace: "kube-system",
    user: { token: bootstrapTokenText(token) },
  });
}

/**
 * The kubeconfig of the node, with Krustlet's names. It points to the files of the client pair, so
 * that it stays right when they are renewed.
 */
export function nodeKubeconfig(
  cluster: ClusterAccess,
  files: { readonly certificateFile: string; readonly keyFile: string },
): Kubeconfig {
  return kubeconfig(cluster, {
    clusterName: "krustlet",
    userName: "krustlet",
    contextName: "krustlet",
    user: { "client-certificate": files.certificateFile, "client-key": files.keyFile },
  });
}

/** Writes a kubeconfig with mode 0600, whole or not at all. */
export async function writeKubeconfig(path: string, config: Kubeconfig): Promise<void> {
  await writePrivateFile(path, `${JSON.stringify(config, undefined, 2)}\n`);
}

function kubeconfig(cluster: ClusterAccess, options: {
  readonly clusterName: string;
  readonly userName: string;
  readonly contextName: string;
  readonly namespace?: string;
  readonly user: Readonly<Record<string, string>>;
}): Kubeconfig {
  const { clusterName, userName, contextName, namespace, user } = options;
  const context = {
    cluster: clusterName,
    user: userName,
    ...(namespace === undefined ? {} : { namespace }),
  };
  return {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: clusterName, cluster }],
    users: [{ name: userName, user }],
    contexts: [{ name: contextName, context }],
    "current-context": contextName,
  };
}
