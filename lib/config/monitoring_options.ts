/**
 * The options of what watches the node, under a kubelet's names.
 *
 * @module
 */
import * as kinds from "./kinds.ts";
import { defineOptions, type Option, type OptionTable, type OptionValues } from "./option.ts";

/** Where the node says how it is, and what of the machine it shows. */
export const MONITORING_OPTIONS = defineOptions({
  healthzPort: {
    flag: "healthz-port",
    env: "KRUSTLET_HEALTHZ_PORT",
    key: "healthzPort",
    kind: kinds.port,
    default: 10_248,
    help: "Port of /healthz for programs of this machine, without TLS; 0 switches it off.",
    group: "Server",
  },
  healthzBindAddress: {
    flag: "healthz-bind-address",
    env: "KRUSTLET_HEALTHZ_BIND_ADDRESS",
    key: "healthzBindAddress",
    kind: kinds.ip,
    default: "127.0.0.1",
    help: "Address of that port. Everybody who reaches it may ask.",
    group: "Server",
  },
  enableSystemLogHandler: {
    flag: "enable-system-log-handler",
    env: "KRUSTLET_ENABLE_SYSTEM_LOG_HANDLER",
    key: "enableSystemLogHandler",
    kind: kinds.flag,
    default: false,
    help:
      "Show the files below /var/log at /logs/ of the node's API, to whoever may get nodes/log.",
    group: "Server",
  },
});

/** All values of a table by their flags, as `/flagz` shows them: those that nobody gave as well. */
export function shownFlags<Table extends OptionTable>(
  table: Table,
  values: OptionValues<Table>,
): Record<string, string> {
  const all: Readonly<Record<string, unknown>> = values;
  return Object.fromEntries(
    Object.entries<Option<unknown>>(table).flatMap(([name, { flag, kind }]) => {
      const value = all[name];
      return value === undefined ? [] : [[flag, kind.toText(value)]];
    }),
  );
}
