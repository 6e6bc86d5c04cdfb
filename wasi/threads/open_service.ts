import type { HostKind, System } from "../host/host.ts";
import type { LibcHost } from "../host/libc/libc_host.ts";
import { once } from "../start/once.ts";
import type { WasiOptions } from "../options.ts";
import type { Service } from "./service.ts";

const importLibc = once(() => import("./libc_service.ts"));
const importPortable = once(() => import("./portable_service.ts"));

/** Imports what {@linkcode openService} needs with a host of this kind. */
export async function importService(kind: HostKind): Promise<void> {
  await (kind === "libc" ? importLibc() : importPortable());
}

/** Opens what the guest finds open. Rejects with `OptionsError` for what cannot be. */
export async function openService(
  options: WasiOptions,
  { host, memory }: { readonly host: System; readonly memory: WebAssembly.Memory },
): Promise<Service> {
  if (host.kind === "libc") {
    const { LibcService } = await importLibc();
    return new LibcService(options, { host: host as LibcHost, memory }); // the only one of its kind
  }
  const { PortableService } = await importPortable();
  return new PortableService(options, memory);
}
