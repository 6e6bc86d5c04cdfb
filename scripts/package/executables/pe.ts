import { type Executable, textAt } from "./file.ts";

/** Numbers of Microsoft's "PE Format". */
const MACHINES: Readonly<Record<number, Executable["arch"]>> = { 0x8664: "amd64", 0xaa64: "arm64" };
const PE32_PLUS = 0x20b;
const SIGNATURE = 0x50450000;
/** The tables of what is imported at the start, and of what is imported when it is first called. */
const IMPORTS = { directory: 1, entryBytes: 20, nameOffset: 12 } as const;
const DELAYED_IMPORTS = { directory: 13, entryBytes: 32, nameOffset: 4 } as const;

/** Reads a Windows program (PE32+); `libraries` has delayed imports too. */
export function readPe(view: DataView): Executable {
  const header = view.getUint32(0x3c, true);
  const arch = MACHINES[view.getUint16(header + 4, true)];
  const optional = header + 24;
  if (view.getUint32(header) !== SIGNATURE || arch === undefined) {
    throw new Error("Cannot read PE program: it is not for amd64 or arm64");
  }
  if (view.getUint16(optional, true) !== PE32_PLUS) {
    throw new Error("Cannot read PE program: it is not PE32+");
  }
  const sections = sectionsOf(view, {
    at: optional + view.getUint16(header + 20, true),
    count: view.getUint16(header + 6, true),
  });
  const libraries = [IMPORTS, DELAYED_IMPORTS].flatMap((table) => {
    const hasTable = view.getUint32(optional + 108, true) > table.directory;
    const address = hasTable ? view.getUint32(optional + 112 + table.directory * 8, true) : 0;
    return address === 0 ? [] : namesOf(view, { ...table, sections, address });
  });
  return { os: "windows", arch, libraries };
}

interface Section {
  readonly address: number;
  readonly size: number;
  readonly offset: number;
}

function sectionsOf(view: DataView, { at, count }: { at: number; count: number }): Section[] {
  return Array.from({ length: count }, (_, index) => {
    const section = at + index * 40;
    return {
      size: view.getUint32(section + 16, true),
      address: view.getUint32(section + 12, true),
      offset: view.getUint32(section + 20, true),
    };
  });
}

/** Entries follow each other up to one that has no name. */
function namesOf(
  view: DataView,
  { sections, address, entryBytes, nameOffset }: {
    readonly sections: readonly Section[];
    readonly address: number;
    readonly entryBytes: number;
    readonly nameOffset: number;
  },
): string[] {
  const names: string[] = [];
  for (let entry = fileOffset(sections, address);; entry += entryBytes) {
    const name = view.getUint32(entry + nameOffset, true);
    if (name === 0) return names;
    names.push(textAt(view, fileOffset(sections, name)));
  }
}

function fileOffset(sections: readonly Section[], address: number): number {
  const section = sections.find((one) =>
    address >= one.address && address < one.address + one.size
  );
  if (section === undefined) throw new RangeError(`Address ${address} is in no section`);
  return address - section.address + section.offset;
}
