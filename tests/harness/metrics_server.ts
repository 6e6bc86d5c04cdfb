/**
 * A real metrics-server as a process beside the cluster, which finds it by an EndpointSlice.
 *
 * @module
 */
import { join } from "node:path";
import { goProgram } from "../parts/go_program.ts";
import type { Cluster } from "./cluster.ts";
import { eventually } from "./eventually.ts";
import { freePort, machineAddress } from "./ports.ts";
import { startProcess } from "./processes.ts";
import { tempFolder } from "./temp_folder.ts";

const USER = "metrics-server";
const API_SERVICE = "/apis/apiregistration.k8s.io/v1/apiservices";
const NAMESPACE = "/api/v1/namespaces/kube-system";
/** It must ask a node before it is ready, and a busy machine has other things to do. */
const READY_WITHIN_MS = 120_000;

/**
 * Starts a metrics-server, gives it the rights of its own manifests, and waits until the cluster serves
 * `metrics.k8s.io`. The cluster forgets it when it is disposed of.
 */
export async function startMetricsServer(cluster: Cluster): Promise<AsyncDisposable> {
  await using parts = new AsyncDisposableStack();
  const folder = parts.use(await tempFolder());
  const kubeconfig = join(folder.path, "kubeconfig");
  const certs = join(cluster.dir, "certs");
  await cluster.kubectl(["apply", "-f", "-"], { input: JSON.stringify(RIGHTS) });
  await Deno.writeTextFile(kubeconfig, JSON.stringify(await tokenConfig(cluster)));
  const [address, port] = [machineAddress(), freePort()];
  const process = parts.use(
    await startProcess([
      await goProgram("metrics_server"),
      ...["kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"]
        .map((flag) => `--${flag}=${kubeconfig}`),
      `--cert-dir=${folder.path}`,
      `--bind-address=${address}`,
      `--secure-port=${port}`,
      `--kubelet-certificate-authority=${certs}/ca.crt`,
      "--kubelet-preferred-address-types=InternalIP",
      "--kubelet-use-node-status-port",
      "--kubelet-request-timeout=9s",
      // The shortest that it takes.
      "--metric-resolution=10s",
    ], { name: USER, logPath: join(folder.path, "metrics-server.log") }),
  );
  parts.defer(() => forget(cluster));
  await announce(cluster, { address, port });
  try {
    await eventually("metrics-server to serve what nodes use", async () => {
      await process.mustRun();
      const path = "/apis/metrics.k8s.io/v1beta1/nodes";
      const { items } = await cluster.get<{ items: unknown[] }>(path);
      return items.length > 0;
    }, { withinMs: READY_WITHIN_MS });
  } catch (error) {
    console.error(await process.tail());
    throw error;
  }
  const started = parts.move();
  return { [Symbol.asyncDispose]: () => started.disposeAsync() };
}

/** How a ServiceAccount reaches the cluster and its nodes: by a token, as metrics-server in a pod does. */
async function tokenConfig(cluster: Cluster): Promise<unknown> {
  const token = await cluster.kubectl(["create", "token", USER, "--namespace=kube-system"]);
  const authority = join(cluster.dir, "certs", "ca.crt");
  return {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{
      name: "kubernetes",
      cluster: { server: cluster.server, "certificate-authority": authority },
    }],
    users: [{ name: USER, user: { token: token.trim() } }],
    contexts: [{ name: "kubernetes", context: { cluster: "kubernetes", user: USER } }],
    "current-context": "kubernetes",
  };
}

/** A Service without a selector, what stands behind it, and the API that it serves. */
async function announce(
  cluster: Cluster,
  { address, port }: { readonly address: string; readonly port: number },
): Promise<void> {
  await cluster.create(`${NAMESPACE}/services`, {
    metadata: { name: USER },
    spec: { ports: [{ name: "https", port: 443, targetPort: port }] },
  });
  await cluster.create("/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices", {
    metadata: { name: USER, labels: { "kubernetes.io/service-name": USER } },
    addressType: "IPv4",
    ports: [{ name: "https", port, protocol: "TCP" }],
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
  });
  await cluster.create(API_SERVICE, {
    metadata: { name: "v1beta1.metrics.k8s.io" },
    spec: {
      service: { name: USER, namespace: "kube-system" },
      group: "metrics.k8s.io",
      version: "v1beta1",
      insecureSkipTLSVerify: true,
      groupPriorityMinimum: 100,
      versionPriority: 100,
    },
  });
}

/** An API that is announced and not served would keep namespaces from going away. */
async function forget(cluster: Cluster): Promise<void> {
  await cluster.delete(`${API_SERVICE}/v1beta1.metrics.k8s.io`);
  await cluster.delete(
    `/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices/${USER}`,
  );
  await cluster.delete(`${NAMESPACE}/services/${USER}`);
}

const RBAC = "rbac.authorization.k8s.io";
const SUBJECTS = [{ kind: "ServiceAccount", name: USER, namespace: "kube-system" }];

function bound(
  name: string,
  kind: "Role" | "ClusterRole",
  namespace?: string,
): Record<string, unknown> {
  return {
    apiVersion: `${RBAC}/v1`,
    kind: namespace === undefined ? "ClusterRoleBinding" : "RoleBinding",
    metadata: {
      name: `test:${name}`,
      ...(namespace === undefined ? {} : { namespace }),
    },
    roleRef: { apiGroup: RBAC, kind, name },
    subjects: SUBJECTS,
  };
}

/** As in its manifests. */
const RIGHTS = {
  apiVersion: "v1",
  kind: "List",
  items: [
    {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: USER, namespace: "kube-system" },
    },
    {
      apiVersion: `${RBAC}/v1`,
      kind: "ClusterRole",
      metadata: { name: "system:metrics-server" },
      rules: [
        { apiGroups: [""], resources: ["nodes/metrics"], verbs: ["get"] },
        { apiGroups: [""], resources: ["pods", "nodes"], verbs: ["get", "list", "watch"] },
      ],
    },
    bound("system:metrics-server", "ClusterRole"),
    bound("system:auth-delegator", "ClusterRole"),
    bound("extension-apiserver-authentication-reader", "Role", "kube-system"),
  ],
};
