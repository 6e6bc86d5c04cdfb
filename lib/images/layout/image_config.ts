/**
 * The config of a container image, as far as a Wasm guest has a use for it.
 *
 * `Volumes`, `ExposedPorts` and `Healthcheck` are not read: what they are about is said by the pod.
 *
 * @module
 */
import { isObject, parseJson, platformOf, texts } from "./json.ts";

/** What a container image says about running it. */
export interface ImageConfig {
  /** `os/architecture`. */
  readonly platform: string;
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Absolute path of the current directory. */
  readonly workingDir?: string;
  /** `user`, `user:group` or numbers in their place. WASI has no users: a pod may refuse root by it. */
  readonly user?: string;
  /** How its containers are told to end, as it is written there: a signal's name or number. */
  readonly stopSignal?: string;
  /** Digests of the unpacked layers, in their order. */
  readonly diffIds: readonly string[];
}

/** Reads a container image's config. Throws a `PullFailure` for what is none. */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  const body = parseJson(bytes);
  const run = isObject(body["config"]) ? body["config"] : {};
  const rootfs = isObject(body["rootfs"]) ? body["rootfs"] : {};
  const entrypoint = texts(run["Entrypoint"]);
  const cmd = texts(run["Cmd"]);
  const workingDir = run["WorkingDir"];
  const user = run["User"];
  const stopSignal = run["StopSignal"];
  const env = texts(run["Env"]).flatMap((line) => {
    const at = line.indexOf("=");
    return at > 0 ? [[line.slice(0, at), line.slice(at + 1)] as const] : [];
  });
  return {
    platform: platformOf(body) ?? "unknown/unknown",
    ...(entrypoint.length === 0 ? {} : { entrypoint }),
    ...(cmd.length === 0 ? {} : { cmd }),
    ...(env.length === 0 ? {} : { env: Object.fromEntries(env) }),
    ...(typeof workingDir === "string" && workingDir !== "" && workingDir !== "/"
      ? { workingDir: `/${workingDir.split("/").filter((name) => name !== "").join("/")}` }
      : {}),
    ...(typeof user === "string" && user !== "" ? { user } : {}),
    ...(typeof stopSignal === "string" && stopSignal !== "" ? { stopSignal } : {}),
    diffIds: texts(rootfs["diff_ids"]),
  };
}

/** True for a platform whose programs are Wasm, in any spelling that was in use. */
export function isWasmPlatform(platform: string): boolean {
  const [os = "", architecture = ""] = platform.toLowerCase().split("/");
  return /^wasm(32|64)?$/.test(architecture) || /^(wasi(p[12])?|wasm)$/.test(os);
}
