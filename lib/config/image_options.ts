/**
 * Options for images: credentials, pulls, who may use what, and the removal of what nobody uses. Names
 * and defaults are a kubelet's where it has them.
 *
 * @module
 */
import { resolve } from "node:path";
import { KubeletError } from "../errors.ts";
import * as kinds from "./kinds.ts";
import { defineOptions, type OptionValues } from "./option.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const YEAR_MS = 8_760 * 60 * MINUTE_MS;

const VERIFICATION_POLICIES: readonly ImageSettings["verification"]["policy"][] = [
  "NeverVerify",
  "NeverVerifyPreloadedImages",
  "NeverVerifyAllowlistedImages",
  "AlwaysVerify",
];

/** Options of every command that pulls images for pods. */
export const CREDENTIAL_OPTIONS = defineOptions({
  dockerConfigDir: {
    flag: "docker-config-dir",
    env: "DOCKER_CONFIG",
    key: "dockerConfigDir",
    kind: kinds.path,
    defaultText: "$dataDir, $HOME/.docker and /.docker, in this order",
    help: "Folder of a Docker config.json whose credentials all pods may pull with.",
    group: "Images",
  },
  imageCredentialProviderConfig: {
    flag: "image-credential-provider-config",
    env: "KRUSTLET_IMAGE_CREDENTIAL_PROVIDER_CONFIG",
    key: "imageCredentialProviderConfig",
    kind: kinds.path,
    defaultText: "no credential providers",
    help: "File, or folder of files, with a CredentialProviderConfig.",
    group: "Images",
  },
  imageCredentialProviderBinDir: {
    flag: "image-credential-provider-bin-dir",
    env: "KRUSTLET_IMAGE_CREDENTIAL_PROVIDER_BIN_DIR",
    key: "imageCredentialProviderBinDir",
    kind: kinds.path,
    defaultText: "none, so it must be given for credential providers",
    help: "Folder of the credential providers' programs.",
    group: "Images",
  },
  imagePolicy: {
    flag: "image-policy",
    env: "KRUSTLET_IMAGE_POLICY",
    key: "imagePolicy",
    kind: kinds.path,
    defaultText: "every image is taken",
    help: "File with rules for images: which are refused, and which must be signed by whom.",
    group: "Images",
  },
});

/** Further options of the node agent. */
export const IMAGE_OPTIONS = defineOptions({
  ...CREDENTIAL_OPTIONS,
  imagePullCredentialsVerificationPolicy: {
    flag: "image-pull-credentials-verification-policy",
    env: "KRUSTLET_IMAGE_PULL_CREDENTIALS_VERIFICATION_POLICY",
    key: "imagePullCredentialsVerificationPolicy",
    kind: { ...kinds.choice(...VERIFICATION_POLICIES), placeholder: "POLICY" },
    default: "NeverVerifyPreloadedImages",
    help: `For which images that are here a pod must show credentials that could pull them: \
${VERIFICATION_POLICIES.join(", ")}.`,
    group: "Images",
  },
  preloadedImagesVerificationAllowlist: {
    flag: "preloaded-images-verification-allowlist",
    env: "KRUSTLET_PRELOADED_IMAGES_VERIFICATION_ALLOWLIST",
    key: "preloadedImagesVerificationAllowlist",
    kind: kinds.list,
    default: [],
    help: "For NeverVerifyAllowlistedImages: image names without tags, or prefixes with /* behind.",
    group: "Images",
  },
  serializeImagePulls: {
    flag: "serialize-image-pulls",
    env: "KRUSTLET_SERIALIZE_IMAGE_PULLS",
    key: "serializeImagePulls",
    kind: kinds.flag,
    defaultText: "true, or false with --max-parallel-image-pulls",
    help: "Pull one image after the other.",
    group: "Images",
  },
  maxParallelImagePulls: {
    flag: "max-parallel-image-pulls",
    env: "KRUSTLET_MAX_PARALLEL_IMAGE_PULLS",
    key: "maxParallelImagePulls",
    kind: kinds.integer(1, 1_000),
    defaultText: "any number, with --serialize-image-pulls false",
    help: "How many images are pulled at once.",
    group: "Images",
  },
  registryPullQps: {
    flag: "registry-qps",
    env: "KRUSTLET_REGISTRY_QPS",
    key: "registryPullQPS",
    kind: kinds.integer(0, 10_000),
    default: 5,
    help: "How many pulls begin in a second, on the average; 0 is no limit. More wait.",
    group: "Images",
  },
  registryBurst: {
    flag: "registry-burst",
    env: "KRUSTLET_REGISTRY_BURST",
    key: "registryBurst",
    kind: kinds.integer(1, 10_000),
    default: 10,
    help: "How many pulls may begin at once after a pause.",
    group: "Images",
  },
  imageGcHighThresholdPercent: {
    flag: "image-gc-high-threshold",
    env: "KRUSTLET_IMAGE_GC_HIGH_THRESHOLD",
    key: "imageGCHighThresholdPercent",
    kind: kinds.integer(0, 100),
    default: 85,
    help: "Use of the disk in percent from which on unused images are removed; 100 is never.",
    group: "Images",
  },
  imageGcLowThresholdPercent: {
    flag: "image-gc-low-threshold",
    env: "KRUSTLET_IMAGE_GC_LOW_THRESHOLD",
    key: "imageGCLowThresholdPercent",
    kind: kinds.integer(0, 100),
    default: 80,
    help: "Use of the disk in percent down to which they are removed.",
    group: "Images",
  },
  imageMinimumGcAgeMs: {
    flag: "minimum-image-ttl-duration",
    env: "KRUSTLET_MINIMUM_IMAGE_TTL_DURATION",
    key: "imageMinimumGCAge",
    kind: kinds.duration(0, YEAR_MS),
    default: 2 * MINUTE_MS,
    help: "An image that came later than this ago is not removed for space.",
    group: "Images",
  },
  imageMaximumGcAgeMs: {
    flag: "image-maximum-gc-age",
    env: "KRUSTLET_IMAGE_MAXIMUM_GC_AGE",
    key: "imageMaximumGCAge",
    kind: kinds.duration(0, YEAR_MS),
    default: 0,
    help: "An image that was not used for so long is removed; 0 is never.",
    group: "Images",
  },
  nodeStatusMaxImages: {
    flag: "node-status-max-images",
    env: "KRUSTLET_NODE_STATUS_MAX_IMAGES",
    key: "nodeStatusMaxImages",
    kind: kinds.integer(-1, 100_000),
    default: 50,
    help: "How many images the node's status names, the largest first; -1 is all.",
    group: "Node",
  },
});

/** Where credentials are from besides pull secrets, and which images are taken. Paths are absolute. */
export interface CredentialSettings {
  /** The only folder that a Docker configuration is looked for in; undefined means the usual ones. */
  readonly dockerConfigDir: string | undefined;
  /** The user's home, where Docker's configuration usually is. */
  readonly home: string | undefined;
  /** Both or neither are set. */
  readonly providers: { readonly config: string; readonly binDir: string } | undefined;
  /** File with the image policy; undefined takes every image. */
  readonly policyFile: string | undefined;
}

/** What the node agent does with images, besides their registries. */
export interface ImageSettings extends CredentialSettings {
  /** For which images that are here a pod must show a right. */
  readonly verification: {
    readonly policy:
      | "NeverVerify"
      | "NeverVerifyPreloadedImages"
      | "NeverVerifyAllowlistedImages"
      | "AlwaysVerify";
    readonly allowlist: readonly string[];
  };
  /** How many pulls there may be. */
  readonly pulls: {
    /** `undefined` is any number. */
    readonly parallelMax: number | undefined;
    readonly perSecond: number;
    readonly burst: number;
  };
  /** When unused images are removed. */
  readonly collection: {
    readonly highPercent: number;
    readonly lowPercent: number;
    readonly minAgeMs: number;
    readonly maxAgeMs: number;
  };
  /** How many images the node's status names; -1 is all. */
  readonly statusMax: number;
}

/**
 * Makes settings of what the credential options say.
 *
 * @throws {KubeletError} `invalid`, if options do not go together.
 */
export function credentialSettings(
  values: OptionValues<typeof CREDENTIAL_OPTIONS>,
  home: string | undefined,
): CredentialSettings {
  const { imageCredentialProviderConfig: config, imageCredentialProviderBinDir: binDir } = values;
  if ((config === undefined) !== (binDir === undefined)) {
    throw new KubeletError(
      "invalid",
      "Cannot use credential providers: --image-credential-provider-config and " +
        "--image-credential-provider-bin-dir go together; give both or neither",
    );
  }
  const absolute = (path: string | undefined): string | undefined => path && resolve(path);
  return {
    dockerConfigDir: absolute(values.dockerConfigDir),
    home,
    providers: config === undefined || binDir === undefined
      ? undefined
      : { config: resolve(config), binDir: resolve(binDir) },
    policyFile: absolute(values.imagePolicy),
  };
}

/**
 * Makes settings of what all image options say.
 *
 * @throws {KubeletError} `invalid`, if options do not go together.
 */
export function imageSettings(
  values: OptionValues<typeof IMAGE_OPTIONS>,
  home: string | undefined,
): ImageSettings {
  const { maxParallelImagePulls, serializeImagePulls } = values;
  const serial = serializeImagePulls ?? maxParallelImagePulls === undefined;
  const invalid = (state: string): never => {
    throw new KubeletError("invalid", `Cannot use the image options: ${state}`);
  };
  if (serial && maxParallelImagePulls !== undefined && maxParallelImagePulls > 1) {
    invalid("--max-parallel-image-pulls above 1 needs --serialize-image-pulls false");
  }
  const { imageGcHighThresholdPercent: highPercent, imageGcLowThresholdPercent: lowPercent } =
    values;
  if (lowPercent >= highPercent) {
    invalid(
      `--image-gc-low-threshold ${lowPercent} must be less than --image-gc-high-threshold ` +
        highPercent,
    );
  }
  const { imageMinimumGcAgeMs: minAgeMs, imageMaximumGcAgeMs: maxAgeMs } = values;
  if (maxAgeMs > 0 && maxAgeMs <= minAgeMs) {
    invalid("--image-maximum-gc-age must be more than --minimum-image-ttl-duration");
  }
  const allowlist = values.preloadedImagesVerificationAllowlist;
  const policy = values.imagePullCredentialsVerificationPolicy;
  if (allowlist.length > 0 && policy !== "NeverVerifyAllowlistedImages") {
    invalid(
      "--preloaded-images-verification-allowlist needs " +
        "--image-pull-credentials-verification-policy NeverVerifyAllowlistedImages",
    );
  }
  return {
    ...credentialSettings(values, home),
    verification: { policy, allowlist },
    pulls: {
      parallelMax: serial ? 1 : maxParallelImagePulls,
      perSecond: values.registryPullQps,
      burst: values.registryBurst,
    },
    collection: { highPercent, lowPercent, minAgeMs, maxAgeMs },
    statusMax: values.nodeStatusMaxImages,
  };
}
