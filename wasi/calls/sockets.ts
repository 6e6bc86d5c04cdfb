import { sockCalls } from "./sock.ts";
import { sockExtensionCalls } from "./sock_extension.ts";
import { sockNameCalls } from "./sock_names.ts";
import { sockOptionCalls } from "./sock_options.ts";
import type { Calls, GuestState } from "./state.ts";

/** All calls on sockets: the four of preview 1 and WasmEdge's extension. */
export function socketCalls(state: GuestState): Calls {
  return {
    ...sockCalls(state),
    ...sockExtensionCalls(state),
    ...sockNameCalls(state),
    ...sockOptionCalls(state),
  };
}
