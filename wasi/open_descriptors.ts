import { RIGHTS_ALL } from "./abi.ts";
import { DirectoryDescriptor } from "./descriptors/directory.ts";
import type { Descriptor } from "./descriptors/descriptor.ts";
import { FileDescriptor } from "./descriptors/file.ts";
import { StreamDescriptor } from "./descriptors/stream.ts";
import { DescriptorTable } from "./descriptors/table.ts";
import { errnoName } from "./errno.ts";
import type { System } from "./host/host.ts";
import { DESCRIPTORS_MAX } from "./limits.ts";
import { OptionsError, type Output, type Preopen, type WasiOptions } from "./options.ts";

const encoder = new TextEncoder();

/**
 * Opens what the guest finds open: the three standard streams and the preopens from 3 on.
 *
 * Throws {@linkcode OptionsError} for a preopen that cannot be opened; then nothing stays open.
 */
export function openDescriptors(host: System, options: WasiOptions): DescriptorTable {
  const preopens = options.preopens ?? [];
  if (preopens.length > DESCRIPTORS_MAX / 2) {
    throw new OptionsError(
      `Cannot open ${preopens.length} preopens: the limit is ${DESCRIPTORS_MAX / 2}`,
    );
  }
  const table = new DescriptorTable();
  try {
    table.add(
      options.stdin === "inherit"
        ? standard(host, { number: 0, read: true, write: false })
        : new StreamDescriptor(),
    );
    table.add(output(host, { number: 1, to: options.stdout ?? "discard" }));
    table.add(output(host, { number: 2, to: options.stderr ?? "discard" }));
    for (const preopen of preopens) table.add(openPreopen(host, preopen));
    return table;
  } catch (error) {
    table.closeAll();
    throw error;
  }
}

function output(host: System, { number, to }: { number: 1 | 2; to: Output }): Descriptor {
  if (to === "inherit") return standard(host, { number, read: false, write: true });
  return new StreamDescriptor(to === "discard" ? () => {} : to);
}

function standard(
  host: System,
  { number, read, write }: { number: 0 | 1 | 2; read: boolean; write: boolean },
): Descriptor {
  const file = host.standard(number);
  return new FileDescriptor(file, { read, write, rights: RIGHTS_ALL, flags: 0, readOnly: false });
}

function openPreopen(host: System, { hostPath, guestPath, readOnly }: Preopen): Descriptor {
  if (hostPath.includes("\0") || guestPath.includes("\0")) {
    throw new OptionsError(`Cannot preopen ${JSON.stringify(hostPath)}: a path holds a NUL`);
  }
  const directory = host.openRoot(hostPath);
  if (typeof directory === "number") {
    throw new OptionsError(
      `Cannot preopen "${hostPath}" as "${guestPath}": ${errnoName(-directory)}`,
    );
  }
  return new DirectoryDescriptor(directory, {
    rights: RIGHTS_ALL,
    inheriting: RIGHTS_ALL,
    readOnly: readOnly ?? false,
    preopenName: encoder.encode(guestPath),
  });
}
