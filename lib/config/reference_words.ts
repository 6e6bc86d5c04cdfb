/**
 * What `docs/configuration.md` says of an option in the place of its help: links, and what would be too long for
 * a terminal. An option that is not named here is told by its help.
 *
 * @module
 */

/** In Markdown, by `COMMAND --flag`; the agent's command is `start`. */
export const WORDS: Readonly<
  Record<string, { readonly what?: string; readonly default?: string }>
> = {
  "start --hostname": { what: "Host name in the node's addresses, its label and its certificate." },
  "start --node-ip": {
    what:
      "Address by which the API server reaches this node. Loopback and link-local addresses are passed over.",
    default:
      "`--addr` if that is one address; else what the host name resolves to; else that of the first network interface",
  },
  "start --node-labels": {
    what:
      "Labels of the node. The cluster lets no node set most keys of `kubernetes.io` and `k8s.io`; those are left out, with a warning.",
  },
  "start --register-with-taints": {
    what: "Taints of a node that is registered for the first time.",
    default: "`kubernetes.io/arch=wasm32-wasi` with `NoSchedule` and with `NoExecute`",
  },
  "smite --kubeconfig": { default: "`~/.kube/config`" },
  "start --max-pods": { what: "How many pods the node takes, 1 to 65535." },
  "start --pod-network": {
    what:
      "Where pods have their addresses: `anyip`, `loopback`, `host`, or the first of these that works. See [networking](networking.md#where-pods-have-their-addresses).",
  },
  "start --pod-cidr": {
    what:
      "Range of the pods' addresses, as `10.244.1.0/24`; one of each family, with a comma between.",
    default: "the node's `spec.podCIDRs`",
  },
  "start --cluster-cidr": {
    what:
      "Range of all pods of the cluster, one of each family; give it where the network leads it to the nodes. [Pods of other nodes](networking.md#pods-of-other-nodes) are reached from the pod's own address then.",
  },
  "start --system-reserved": {
    what:
      "What is kept back from pods for other programs of the machine, as `cpu=500m,memory=1Gi,ephemeral-storage=5Gi`.",
  },
  "start --kube-reserved": { what: "What is kept back for the node agent itself." },
  "start --eviction-hard": {
    what:
      "Below which amounts pods are [evicted](resources.md#eviction), and the node says that it is short. What is given takes the place of all defaults.",
    default:
      "`memory.available<100Mi,nodefs.available<10%,nodefs.inodesFree<5%,imagefs.available<15%,imagefs.inodesFree<5%,pid.available<5%`",
  },
  "start --eviction-soft": {
    what:
      "Below which amounts the node says that it is short, and pods are evicted after some time, and gently.",
  },
  "start --eviction-soft-grace-period": {
    what:
      "How long each soft threshold has to be met before that, as `memory.available=90s`. Each of them needs one.",
  },
  "start --eviction-max-pod-grace-period": {
    what:
      "The longest grace period, in seconds, of a pod that goes for a soft threshold; its own if that is shorter, and a second at least.",
  },
  "start --eviction-minimum-reclaim": {
    what:
      "How much beyond its threshold a signal has to be before evictions end, as `nodefs.available=1Gi`.",
  },
  "start --eviction-pressure-transition-period": {
    what: "How long the node goes on saying that it is short after it was, up to 1 h.",
  },
  "start --node-status-update-frequency": {
    what: "How often the node looks at itself, 1 s to 5 min.",
  },
  "start --kubeconfig": {
    what:
      "How to reach the cluster, and as whom. A bootstrap writes it. Of a list of paths, the first that exists.",
    default:
      "`$dataDir/config/kubeconfig` if it or the bootstrap file is there, else `~/.kube/config` if that is there",
  },
  "start --bootstrap-file": {
    what:
      "Kubeconfig with a bootstrap token, used when there is no kubeconfig yet, or its client certificate has ended.",
    default:
      "`$dataDir/config/bootstrap.conf` if it is there (on Windows always), else `/etc/kubernetes/bootstrap-kubelet.conf`",
  },
  "start --rotate-certificates": {
    what: "Ask for the next client certificate [before the present one ends](certificates.md).",
  },
  "start --certificate-duration": {
    what:
      "How long certificates that are asked for shall live, `10m` at least. A signer may give less.",
  },
  "start --cluster-dns": {
    what:
      "Up to three servers for names that pods are told of, as the address of CoreDNS. They are also asked for all that is [no name of the cluster](services.md#names).",
  },
  "start --resolv-conf": {
    what:
      "File that says whom this machine asks for names, and pods through it. An empty text is a server on this machine.",
  },
  "start --port": { what: "Its port; 0 takes a free one." },
  "start --healthz-port": {
    what:
      "Port of [`/healthz` for programs of this machine](metrics.md#health), without TLS; 0 switches it off.",
  },
  "start --healthz-bind-address": { what: "Its address. Everybody who reaches it may ask." },
  "start --enable-system-log-handler": {
    what:
      "Show the files below `/var/log` at [`/logs/`](metrics.md#pages) of the node's API, to whoever may get `nodes/log`.",
  },
  "start --cert-file": {
    what: "Serving certificate in PEM, requested from the cluster if it is missing or expired.",
    default: "`$dataDir/config/krustlet.crt`",
  },
  "start --private-key-file": {
    what: "Its key, in PEM.",
    default: "`$dataDir/config/krustlet.key`",
  },
  "start --client-ca-file": {
    what: "Authorities, in PEM, whose client certificates the node's API believes.",
  },
  "start --rotate-server-certificates": {
    what: "Ask for the next serving certificate [before the present one ends](certificates.md).",
  },
  "start --insecure-registries": {
    what: "Registries, as `HOST` or `HOST:PORT`, that are spoken to without TLS.",
  },
  "start --registry-mirror": {
    what:
      "Mirrors, as `HOST=URL`, that are asked before the registry itself; several in their order.",
  },
  "start --registry-ca": {
    what:
      "Certificate authorities, as `HOST=FILE` in PEM, that are believed for this registry as well.",
  },
  "start --registry-client-cert": {
    what: "Client certificate and key, as `HOST=FILE` in PEM, that this registry is shown.",
  },
  "start --docker-config-dir": {
    what:
      "Folder of a Docker `config.json` whose credentials all pods may pull with. See [credentials](images.md#credentials).",
    default: "`$dataDir`, `$HOME/.docker` and `/.docker`, in this order",
  },
  "start --image-credential-provider-config": {
    what: "File, or folder of files, with a `CredentialProviderConfig`.",
  },
  "start --image-pull-credentials-verification-policy": {
    what:
      "For which images that are here a pod must show credentials that could pull them: also `NeverVerify`, `NeverVerifyAllowlistedImages` and `AlwaysVerify`.",
  },
  "start --preloaded-images-verification-allowlist": {
    what:
      "For `NeverVerifyAllowlistedImages`: image names without tags, or prefixes with `/*` behind.",
  },
  "start --serialize-image-pulls": {
    default: "`true`, or `false` with `--max-parallel-image-pulls`",
  },
  "start --max-parallel-image-pulls": {
    default: "any number, with `--serialize-image-pulls false`",
  },
  "start --x-allow-local-modules": {
    what:
      "Experimental: pods may name modules by their path on this machine. See [images](images.md#local-files).",
  },
  "start --require-sandbox": {
    what:
      "`landlock` or `permissions`: the agent does not start if guests cannot be held by this. See [the sandbox](sandbox.md).",
  },
  "start --data-dir": {
    what: "Folder for [everything that the node keeps](node.md#files).",
    default: "`$HOME/.krustlet`",
  },
  "start --pod-manifest-path": {
    what:
      "Folder with manifests of [static pods](node.md#static-pods), or one such file. Changes are followed.",
  },
  "start --container-log-max-size": {
    what:
      "Size from which on the log file of a container is [moved aside](logs.md#on-disk), 32Ki to 1Ti.",
  },
  "start --container-log-max-files": {
    what: "How many log files of a container's run are kept, the newest included, 2 to 1000.",
  },
  "start --plugins-dir": {
    what: "Accepted, and without effect: there are no CSI volumes yet.",
    default: "`$dataDir/plugins`",
  },
  "start --device-plugins-dir": {
    what: "Accepted, and without effect: there are no device plugins yet.",
    default: "`$dataDir/device_plugins`",
  },
  "start --shutdown-grace-period": {
    what:
      "How long pods may take to end when the agent is told to end, 0 to 1 h. If it is given, and not 0, [SIGTERM is the end of the node](node.md#shutdown-of-the-machine).",
    default: "`30s`, and pods stay for the next agent",
  },
  "start --shutdown-grace-period-critical-pods": {
    what:
      "The part of it that pods of a system-critical priority have for themselves, after all others have ended.",
  },
  "start --config": { default: "`$HOME/.krustlet/config/config.json` if it is there" },
  "start --log-level": {
    what: "The least important messages that are logged: `debug`, `info`, `warning`, `error`.",
  },
  "start --log-format": { what: "`pretty` for people, `json` for machines." },
  "start --help": { what: "Print the help." },
  "run --grace-period": {
    what: "How long guests may take to end when the run is stopped, if their pods do not say less.",
  },
  "bootstrap --kubeconfig": {
    what: "An administrator's kubeconfig: who may make Secrets in `kube-system` and bind roles.",
    default: "`~/.kube/config`",
  },
  "bootstrap --bootstrap-file": { default: "`$dataDir/config/bootstrap.conf`" },
  "bootstrap --print-objects": {
    what:
      "Print the token's Secret, roles and bindings as YAML, and ask no cluster to make them: [for somebody with more rights](node.md#by-manifests). The bootstrap file is written all the same.",
  },
  "bootstrap --token-ttl": { what: "How long the token is good for, 1 min to a year." },
  "doctor --output": { what: "`json` prints the findings for machines." },
  "push --format": {
    what: "`oci`: the CNCF's Wasm artifact; `wasm-to-oci`: the older form of that tool.",
  },
  "push --annotation": {
    what:
      "`KEY=VALUE`; again for another one. Keys of the OCI image specification go without their prefix: `version=1.2.0`, `source=https://…`.",
    default: "`none`",
  },
  "push --created": {
    what:
      "When the image was made: seconds since 1970, or as `2030-01-31T12:00:00Z`. The variable `SOURCE_DATE_EPOCH` is the same.",
  },
  "push --output": { what: "`text` for people, `json` for machines." },
  "push --insecure": { what: "Speak plain HTTP to this registry." },
  "pull --output": {
    what:
      "A file for the module, or a folder for all files of the image; `json` or `text`, how the result is printed. Both can be given: `-o app.wasm -o json`. A file of such a name is `./json`.",
  },
  "pull --insecure": { what: "Speak plain HTTP to this registry." },
  "inspect --output": { what: "`text` for people, `json` for machines." },
  "inspect --insecure": { what: "Speak plain HTTP to this registry." },
};
