/**
 * A small provider: each container is a process that runs its module with Deno's own `node:wasi`.
 *
 * It keeps what the interface promises, and no more: no `exec`, no usage, no CPU limits. What holds its
 * guests is Deno's permission set alone, so it is for reading, not for guests of strangers.
 *
 * @module
 */
import {
  type ContainerRun,
  type Exit,
  KubeletError,
  messageOf,
  type Pod,
  type Provider,
  type RunControl,
} from "../../lib/mod.ts";
import { CriLog } from "./cri_log.ts";
import { type GuestProcess, startGuest } from "./guest_process.ts";

/** Bytes of a module: `node:wasi` reads it at once. */
const MODULE_BYTES_MAX = 64 * 1024 * 1024;

/** Runs containers of modules for WASI preview 1, each in a process of its own. */
export class NodeWasiProvider implements Provider {
  // #region names
  /** The node label `kubernetes.io/arch`, which pods select. */
  readonly arch = "wasm32-wasi";
  /** What `kubectl get node -o wide` calls the architecture. */
  readonly architecture = "wasm-wasi";
  /** What it shows as the container runtime. */
  readonly runtimeVersion = `node-wasi://${Deno.version.deno}`;
  /** An image with another module is refused before its download. */
  readonly takes = {
    bytesMax: MODULE_BYTES_MAX,
    imports: ["wasi_snapshot_preview1"],
    components: false,
  };
  // #endregion names

  // #region validate
  /** A limit or a mount that cannot be kept is refused, never left out in silence. */
  validate(pod: Pod): void {
    const { initContainers = [], containers = [] } = pod.spec ?? {};
    for (const { name, volumeMounts = [], resources } of [...initContainers, ...containers]) {
      if (volumeMounts.length > 0) {
        throw refusal(name, "it has no volumes; also set automountServiceAccountToken: false");
      }
      if (resources?.limits?.["memory"] !== undefined) {
        throw refusal(name, "it keeps no memory limit");
      }
    }
  }
  // #endregion validate

  // #region run
  /** Starts the process, and looks after it until it is gone. */
  async run(container: ContainerRun, control: RunControl): Promise<Exit> {
    if (control.kill.aborted) return { kind: "killed" };
    if (container.readOnlyRoot === true || container.mounts.some(({ readOnly }) => readOnly)) {
      return { kind: "start_error", message: "node:wasi has no read-only folders" };
    }
    using log = await CriLog.open(container.logPath);
    let guest: GuestProcess;
    try {
      guest = startGuest(container);
    } catch (error) {
      throw new KubeletError("container_start", `Cannot start a process: ${messageOf(error)}`, {
        cause: error,
      });
    }
    const kill = (): void => guest.kill();
    control.kill.addEventListener("abort", kill);
    // It may have come while the log was opened; then nobody hears of it again.
    if (control.kill.aborted) kill();
    try {
      const [{ word, signal }] = await Promise.all([
        guest.ended(control.onStarted),
        log.copy(guest.stdout, "stdout"),
        log.copy(guest.stderr, "stderr"),
      ]);
      if (word !== undefined) return word;
      if (control.kill.aborted) return { kind: "killed" };
      const message = `The guest's process ended without a word, by ${signal ?? "itself"}`;
      return { kind: "crashed", message };
    } finally {
      control.kill.removeEventListener("abort", kill);
    }
  }
  // #endregion run

  // #region close
  /** Nothing is kept warm here. */
  close(): Promise<void> {
    return Promise.resolve();
  }
  // #endregion close
}

function refusal(container: string, why: string): KubeletError {
  const message = `Cannot run container "${container}" with this provider: ${why}`;
  return new KubeletError("rejected", message, { reason: "NotSupportedByProvider" });
}
