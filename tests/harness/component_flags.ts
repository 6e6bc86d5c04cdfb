/**
 * How each program of the control plane is started.
 *
 * As in a cluster by kubeadm: RBAC, Node authorizer, NodeRestriction, bootstrap tokens, signers and
 * approver of certificate requests. Where a flag differs from the default only to make tests quick,
 * it says so.
 *
 * @module
 */
import { join } from "node:path";

/** What may be unusual about a control plane. */
export interface PlaneOptions {
  /** How long the certificates that it signs live; a duration of Go. */
  readonly signingDuration?: string;
  /** Pods, Services and nodes have ranges of IPv6 as well. @default false */
  readonly dualStack?: boolean;
}

/** Ranges of all pods and of all Services: the second of each is for {@linkcode PlaneOptions.dualStack}. */
export const RANGES = {
  pods: ["10.244.0.0/16", "fd00:10:244::/48"],
  services: ["10.96.0.0/16", "fd00:10:96::/112"],
} as const;

/** Where a control plane lives. */
export interface Place extends PlaneOptions {
  readonly dir: string;
  readonly etcdPort: number;
  readonly apiPort: number;
}

/** etcd, which may lose data when the machine crashes: nobody will miss it, and tests are quicker. */
export function etcdFlags({ dir, etcdPort }: Place): string[] {
  const client = `http://127.0.0.1:${etcdPort}`;
  return [
    `--data-dir=${join(dir, "etcd")}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    "--listen-peer-urls=http://localhost:0",
    "--log-level=warn",
    "--unsafe-no-fsync",
  ];
}

/** kube-apiserver. */
export function apiServerFlags({ dir, etcdPort, apiPort, dualStack }: Place): string[] {
  const certs = join(dir, "certs");
  return [
    `--etcd-servers=http://127.0.0.1:${etcdPort}`,
    "--bind-address=127.0.0.1",
    `--secure-port=${apiPort}`,
    // It could only announce a loopback address, which an endpoint may not be.
    "--endpoint-reconciler-type=none",
    `--service-cluster-ip-range=${rangesText(RANGES.services, dualStack)}`,
    "--allow-privileged=true",
    "--authorization-mode=Node,RBAC",
    // Beta and off by default in 1.36; a node that is asked for it must have it.
    "--feature-gates=ClusterTrustBundle=true,ClusterTrustBundleProjection=true",
    "--runtime-config=certificates.k8s.io/v1beta1/clustertrustbundles=true",
    "--enable-admission-plugins=NodeRestriction",
    "--enable-bootstrap-token-auth=true",
    "--enable-aggregator-routing=true",
    `--client-ca-file=${certs}/ca.crt`,
    `--tls-cert-file=${certs}/apiserver.crt`,
    `--tls-private-key-file=${certs}/apiserver.key`,
    `--kubelet-certificate-authority=${certs}/ca.crt`,
    `--kubelet-client-certificate=${certs}/apiserver-kubelet-client.crt`,
    `--kubelet-client-key=${certs}/apiserver-kubelet-client.key`,
    "--kubelet-preferred-address-types=InternalIP,Hostname",
    "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
    `--service-account-key-file=${certs}/sa.pub`,
    `--service-account-signing-key-file=${certs}/sa.key`,
    `--requestheader-client-ca-file=${certs}/front-proxy-ca.crt`,
    "--requestheader-allowed-names=front-proxy-client",
    "--requestheader-extra-headers-prefix=X-Remote-Extra-",
    "--requestheader-group-headers=X-Remote-Group",
    "--requestheader-username-headers=X-Remote-User",
    `--proxy-client-cert-file=${certs}/front-proxy-client.crt`,
    `--proxy-client-key-file=${certs}/front-proxy-client.key`,
  ];
}

/** kube-controller-manager. It listens nowhere. */
export function controllerManagerFlags({ dir, signingDuration, dualStack }: Place): string[] {
  const certs = join(dir, "certs");
  return [
    `--kubeconfig=${join(dir, "controller-manager.kubeconfig")}`,
    "--secure-port=0",
    "--leader-elect=false",
    "--controllers=*,bootstrap-signer-controller,token-cleaner-controller",
    "--use-service-account-credentials=true",
    "--allocate-node-cidrs=true",
    `--cluster-cidr=${rangesText(RANGES.pods, dualStack)}`,
    `--service-cluster-ip-range=${rangesText(RANGES.services, dualStack)}`,
    `--root-ca-file=${certs}/ca.crt`,
    `--cluster-signing-cert-file=${certs}/ca.crt`,
    `--cluster-signing-key-file=${certs}/ca.key`,
    ...(signingDuration === undefined ? [] : [`--cluster-signing-duration=${signingDuration}`]),
    `--service-account-private-key-file=${certs}/sa.key`,
    // Quicker than the default, which makes a node that became Ready wait 5 s for its taints to go.
    "--node-monitor-period=1s",
    // Quicker than the default of 15 s, for tests that wait for a Deployment to be scaled.
    "--horizontal-pod-autoscaler-sync-period=5s",
    "--kube-api-qps=200",
    "--kube-api-burst=400",
  ];
}

/** kube-scheduler. It listens nowhere. */
export function schedulerFlags({ dir }: Place): string[] {
  return [`--config=${join(dir, "scheduler.json")}`, "--secure-port=0"];
}

/** The scheduler's configuration file. */
export function schedulerConfig(dir: string): unknown {
  return {
    apiVersion: "kubescheduler.config.k8s.io/v1",
    kind: "KubeSchedulerConfiguration",
    leaderElection: { leaderElect: false },
    clientConnection: {
      kubeconfig: join(dir, "scheduler.kubeconfig"),
      // So that a hundred pods at once are not what a test waits for.
      qps: 200,
      burst: 400,
    },
    // A pod that found no node is tried again after at most so many seconds.
    podInitialBackoffSeconds: 1,
    podMaxBackoffSeconds: 2,
  };
}

/** A kubeconfig with the client certificate `<user>.crt` of the cluster's folder. */
export function kubeconfigOf(dir: string, server: string, user: string): unknown {
  const certs = join(dir, "certs");
  return {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{
      name: "kubernetes",
      cluster: { server, "certificate-authority": `${certs}/ca.crt` },
    }],
    users: [{
      name: user,
      user: { "client-certificate": `${certs}/${user}.crt`, "client-key": `${certs}/${user}.key` },
    }],
    contexts: [{ name: "kubernetes", context: { cluster: "kubernetes", user } }],
    "current-context": "kubernetes",
  };
}

function rangesText(ranges: readonly [string, string], dualStack = false): string {
  return dualStack ? ranges.join(",") : ranges[0];
}
