import { RIGHTS_ALL } from "../abi.ts";
import { DirectoryDescriptor } from "./directory.ts";
import type { Descriptor } from "./descriptor.ts";
import { FileDescriptor } from "./file.ts";
import { StreamDescriptor } from "./stream.ts";
import { type DescriptorTable, LocalTable } from "./table.ts";
import { ERRNO, errnoName } from "../errno.ts";
import type { System } from "../host/host.ts";
import { DESCRIPTORS_MAX } from "../limits.ts";
import { openListener } from "./open_listener.ts";
import {
  type Input,
  OptionsError,
  type Output,
  type Preopen,
  type WasiOptions,
} from "../options.ts";

const encoder = new TextEncoder();

/**
 * Opens what the guest finds open, into an empty table: the three standard streams, and from
 * 3 on the listeners and the preopens.
 *
 * Throws {@linkcode OptionsError} for one that cannot be opened; then nothing stays open.
 */
export function openDescriptors(
  host: System,
  options: WasiOptions,
  table: DescriptorTable = new LocalTable(),
): DescriptorTable {
  const { preopens = [], listeners = [] } = options;
  const count = preopens.length + listeners.length;
  if (count > DESCRIPTORS_MAX / 2) {
    throw new OptionsError(
      `Cannot open ${count} preopens and listeners: the limit is ${DESCRIPTORS_MAX / 2}`,
    );
  }
  try {
    const terminal = options.terminal ?? false;
    table.add(input(host, { from: options.stdin ?? "closed", terminal }));
    table.add(output(host, { number: 1, to: options.stdout ?? "discard", terminal }));
    table.add(output(host, { number: 2, to: options.stderr ?? "discard", terminal }));
    for (const listener of listeners) table.add(openListener(host, listener));
    for (const preopen of preopens) table.add(openPreopen(host, preopen));
    return table;
  } catch (error) {
    table.closeAll();
    throw error;
  }
}

function input(host: System, { from, terminal }: { from: Input; terminal: boolean }): Descriptor {
  if (from === "closed") return new StreamDescriptor(undefined, { terminal });
  if (from === "inherit") return standard(host, { number: 0, read: true, write: false, terminal });
  if (typeof from === "function") return new StreamDescriptor({ source: from }, { terminal });
  if (from.file.includes("\0")) {
    throw new OptionsError(`Cannot read ${JSON.stringify(from.file)}: the path holds a NUL`);
  }
  const file = host.openFile(from.file);
  if (typeof file === "number") {
    throw new OptionsError(
      `Cannot open "${from.file}" as standard input: ${errnoName(-file)}`,
    );
  }
  return new FileDescriptor(file, READ_ONLY);
}

const READ_ONLY = { read: true, write: false, rights: RIGHTS_ALL, flags: 0, readOnly: false };

function output(
  host: System,
  { number, to, terminal }: { number: 1 | 2; to: Output; terminal: boolean },
): Descriptor {
  if (to === "inherit") return standard(host, { number, read: false, write: true, terminal });
  return new StreamDescriptor({ sink: to === "discard" ? () => {} : to }, { terminal });
}

function standard(
  host: System,
  { number, read, write, terminal }: {
    number: 0 | 1 | 2;
    read: boolean;
    write: boolean;
    terminal: boolean;
  },
): Descriptor {
  const file = host.standard(number, { terminal });
  return new FileDescriptor(file, { read, write, rights: RIGHTS_ALL, flags: 0, readOnly: false });
}

function openPreopen(host: System, preopen: Preopen): Descriptor {
  const { hostPath, guestPath, readOnly, exact = false } = preopen;
  if (hostPath.includes("\0") || guestPath.includes("\0")) {
    throw new OptionsError(`Cannot preopen ${JSON.stringify(hostPath)}: a path holds a NUL`);
  }
  const directory = host.openRoot(hostPath, { exact });
  if (typeof directory === "number") {
    const linked = exact && directory === -ERRNO.loop;
    const problem = linked ? "a link is in this path, which must have none" : errnoName(-directory);
    throw new OptionsError(`Cannot preopen "${hostPath}" as "${guestPath}": ${problem}`);
  }
  return new DirectoryDescriptor(directory, {
    rights: RIGHTS_ALL,
    inheriting: RIGHTS_ALL,
    readOnly: readOnly ?? false,
    preopenName: encoder.encode(guestPath),
  });
}
