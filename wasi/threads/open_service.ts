import { LibcHost } from "../host/libc/libc_host.ts";
import { openSystem } from "../host/open.ts";
import type { WasiOptions } from "../options.ts";
import { LibcService } from "./libc_service.ts";
import { PortableService } from "./portable_service.ts";
import type { Service } from "./service.ts";

/** Opens what the guest finds open. Throws `OptionsError` for what cannot be. */
export function serviceFor(options: WasiOptions, memory: WebAssembly.Memory): Service {
  const host = openSystem(options.host);
  return host instanceof LibcHost
    ? new LibcService(options, { host, memory })
    : new PortableService(options, memory);
}
