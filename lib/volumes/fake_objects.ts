import type { ObjectSource, StorageSource } from "../api/object_source.ts";
import type {
  ClusterTrustBundle,
  ConfigMap,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  Secret,
  TokenRequest,
} from "../api/types.ts";
import type { FieldFacts } from "../fields.ts";

/** The part of it that is about storage. */
export class FakeStorage implements StorageSource {
  /** By `namespace/name`. */
  readonly claims = new Map<string, PersistentVolumeClaim>();
  readonly persistentVolumes = new Map<string, PersistentVolume>();
  readonly bundles = new Map<string, ClusterTrustBundle>();
  readonly nodeLabels: Record<string, string> = { "kubernetes.io/hostname": "edge-1" };

  /** A claim in namespace `shop`, bound to a volume with this source. */
  bind(name: string, source: NonNullable<PersistentVolume["spec"]>): PersistentVolumeClaim {
    const claim: PersistentVolumeClaim = {
      metadata: { name, namespace: "shop", uid: `uid-${name}` },
      spec: { volumeName: `pv-${name}` },
      status: { phase: "Bound" },
    };
    this.claims.set(`shop/${name}`, claim);
    this.persistentVolumes.set(`pv-${name}`, {
      metadata: { name: `pv-${name}` },
      spec: { claimRef: { namespace: "shop", name, uid: `uid-${name}` }, ...source },
    });
    return claim;
  }

  claim(namespace: string, name: string): Promise<PersistentVolumeClaim | undefined> {
    return Promise.resolve(this.claims.get(`${namespace}/${name}`));
  }

  persistentVolume(name: string): Promise<PersistentVolume | undefined> {
    return Promise.resolve(this.persistentVolumes.get(name));
  }

  node(name: string): ReturnType<StorageSource["node"]> {
    return Promise.resolve({ metadata: { name, labels: this.nodeLabels } });
  }

  trustBundle(name: string): Promise<ClusterTrustBundle | undefined> {
    return Promise.resolve(this.bundles.get(name));
  }

  trustBundles(
    { signerName }: Parameters<StorageSource["trustBundles"]>[0],
  ): Promise<ClusterTrustBundle[]> {
    const all = [...this.bundles.values()];
    return Promise.resolve(all.filter(({ spec }) => spec?.signerName === signerName));
  }
}

/** An {@linkcode ObjectSource} for tests: namespaced objects in memory, and every question noted. */
export class FakeObjects implements ObjectSource {
  /** By `namespace/name`. */
  readonly configMaps = new Map<string, ConfigMap>();
  /** By `namespace/name`. */
  readonly secrets = new Map<string, Secret>();
  /** `configMap ns/name`, `secret ns/name` or `token ns/name`, in the order they were asked. */
  readonly asked: string[] = [];
  readonly storage = new FakeStorage();
  readonly tokenSpecs: TokenRequest["spec"][] = [];
  /** Thrown by every question while set. */
  failure: Error | undefined;
  nowMs = Date.UTC(2026, 0, 1);
  /** The longest life of a token. */
  grantSecondsMax = Infinity;

  addConfigMap(name: string, data: Record<string, string>, more: Partial<ConfigMap> = {}): void {
    this.configMaps.set(`shop/${name}`, { metadata: { name, namespace: "shop" }, data, ...more });
  }

  /** Adds a Secret with these plain texts. */
  addSecret(name: string, texts: Record<string, string>): void {
    const encoder = new TextEncoder();
    const data = Object.fromEntries(
      Object.entries(texts).map(([key, text]) => [key, encoder.encode(text).toBase64()]),
    );
    this.secrets.set(`shop/${name}`, { metadata: { name, namespace: "shop" }, data });
  }

  configMap(namespace: string, name: string): Promise<ConfigMap | undefined> {
    return this.#answer("configMap", `${namespace}/${name}`, (key) => this.configMaps.get(key));
  }

  secret(namespace: string, name: string): Promise<Secret | undefined> {
    return this.#answer("secret", `${namespace}/${name}`, (key) => this.secrets.get(key));
  }

  token(
    namespace: string,
    serviceAccount: string,
    spec: TokenRequest["spec"],
  ): Promise<NonNullable<TokenRequest["status"]>> {
    return this.#answer("token", `${namespace}/${serviceAccount}`, () => {
      this.tokenSpecs.push(spec);
      const seconds = Math.min(spec.expirationSeconds ?? 0, this.grantSecondsMax);
      const expiresAtMs = this.nowMs + seconds * 1_000;
      const expirationTimestamp = new Date(expiresAtMs).toISOString();
      return { token: `token-${this.tokenSpecs.length}`, expirationTimestamp };
    });
  }

  #answer<Result>(kind: string, key: string, find: (key: string) => Result): Promise<Result> {
    this.asked.push(`${kind} ${key}`);
    return this.failure === undefined ? Promise.resolve(find(key)) : Promise.reject(this.failure);
  }
}

/** Facts of a node that exists in tests only. */
export const FAKE_FACTS: FieldFacts = {
  nodeName: "edge-1",
  hostIPs: ["10.0.0.5"],
  podIPs: ["10.244.3.7"],
  allocatable: { cpu: "4", memory: "8Gi" },
};

/** A pod whose only container mounts each of these volumes at `/mnt/<name>`. */
export function podWith(volumes: NonNullable<Pod["spec"]>["volumes"] = []): Pod {
  return {
    metadata: { name: "web-0", namespace: "shop", uid: "7a1e-22", labels: { app: "web" } },
    spec: {
      serviceAccountName: "robot",
      containers: [{
        name: "app",
        volumeMounts: volumes.map(({ name }) => ({ name, mountPath: `/mnt/${name}` })),
      }],
      volumes,
    },
  };
}
