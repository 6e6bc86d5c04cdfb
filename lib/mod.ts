/**
 * A kubelet as a library: everything of a node agent but the runtime that runs its containers.
 *
 * Give a {@linkcode Kubelet} a {@linkcode Provider}, an API client and a serving certificate, and
 * this machine is a node; give {@linkcode runStandalone} a provider and a manifest, and its pods run
 * with no cluster. A provider gets a {@linkcode ContainerRun} in which everything is resolved, and
 * answers with one {@linkcode Exit}.
 *
 * @example
 * ```ts
 * import { type Exit, termination } from "./mod.ts";
 *
 * const exit: Exit = { kind: "exited", code: 3 };
 * console.assert(termination(exit).exitCode === 3);
 * ```
 *
 * @module
 */
export * from "./api/certificate_requests.ts";
export * from "./api/client.ts";
export * from "./api/kubeconfig.ts";
export { listWatch, type ListWatchEvent, type ListWatchOptions } from "./api/list_watch.ts";
export * from "./api/objects.ts";
export * from "./api/paths.ts";
export type * from "./api/object_source.ts";
export type * from "./api/types.ts";
export type * from "./certificates.ts";
export type { CertificateSettings } from "./config/certificate_options.ts";
export { asksFor, type ConfigSources, type KrustletConfig, parseConfig } from "./config/config.ts";
export type { DnsSettings } from "./config/dns_options.ts";
export type { CredentialSettings, ImageSettings } from "./config/image_options.ts";
export type { Amounts } from "./config/resource_kinds.ts";
export type { LogSettings } from "./config/log_options.ts";
export type { ResourceSettings } from "./config/resource_options.ts";
export type { NetworkSettings } from "./config/network_options.ts";
export type { PodNetworkMode, PodNetworkWish } from "./network/ground.ts";
export type { HostValues } from "./config/registry_kinds.ts";
export type { World } from "./config/world.ts";
export { type BootstrapArguments, parseBootstrapArguments } from "./config/bootstrap_options.ts";
export { commandHelp } from "./config/command_help.ts";
export { parseRunArguments, type RunArguments } from "./config/run_options.ts";
export {
  type InspectArguments,
  parseInspectArguments,
  parsePullArguments,
  parsePushArguments,
  type PullArguments,
  type PushArguments,
  type ToolCommandSettings,
} from "./config/tool_options.ts";
export { type DoctorArguments, parseDoctorArguments } from "./config/doctor_options.ts";
export { parseSmiteArguments, type SmiteArguments } from "./config/smite_options.ts";
export * from "./data_dir.ts";
export type { DoctorOptions, DoctorSettings, Speech } from "./doctor/doctor.ts";
export type { CertificateFacts } from "./doctor/judge_certificate.ts";
export { runDoctor, type RunDoctorOptions } from "./doctor/run.ts";
export { runSmite, type SmiteOptions } from "./smite/run.ts";
export * from "./errors.ts";
export * from "./exit.ts";
export { removeTree } from "./files.ts";
export type { CollectionPolicy } from "./images/collect_plan.ts";
export type { CredentialPlaces } from "./images/credentials/open_keyring.ts";
export type { Verification, VerificationPolicy } from "./images/credentials/verification.ts";
export type { StoreSettings } from "./images/open_store.ts";
export type { RegistrySettings } from "./images/registry_files.ts";
export type { PullLimits } from "./images/pull_gate.ts";
export * from "./images/tool/commands.ts";
export * from "./kubelet.ts";
export { dataFolders, type KubeletOptions, type KubeletSettings } from "./kubelet_settings.ts";
export { type ClientCaSources, readClientCa } from "./server/client_ca.ts";
export * from "./logging.ts";
export type { CapacitySettings } from "./node/capacity.ts";
export type { NodeSettings } from "./node/node_object.ts";
export { objectsText } from "./objects_text.ts";
export type * from "./guest_network.ts";
export type * from "./provider.ts";
export type { Screen, Stream } from "./standalone/display.ts";
export { type Manifest, readManifests } from "./standalone/manifest.ts";
export { EXIT_NOT_STARTED } from "./standalone/outcome.ts";
export type {
  Amount,
  EvictionRules,
  PressureRules,
  Signal,
  SoftThresholds,
  Thresholds,
} from "./thresholds.ts";
export { runStandalone, type StandaloneOptions } from "./standalone/run.ts";
export { removeMemoryFolders } from "./volumes/memory_folders.ts";
