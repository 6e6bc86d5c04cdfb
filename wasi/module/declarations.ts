import { ModuleLimitError } from "./errors.ts";
import { IMPORTS_MAX, MEMORIES_MAX, NAME_BYTES_MAX, TABLES_MAX } from "./limits.ts";
import { Reader } from "./reader.ts";
import { SECTION, type Section } from "./sections.ts";

/** How large a memory or a table is at its start and may become: in pages, or in elements. */
export interface Limits {
  readonly minimum: number;
  /** Absent: as much as the engine can. */
  readonly maximum?: number;
  readonly shared: boolean;
  /** Addresses are numbers of 64 bits. */
  readonly address64: boolean;
  /** Where in the file this is written. */
  readonly start: number;
  readonly end: number;
}

/** A memory or table, imported or the module's own. */
export interface Declaration extends Limits {
  /** What it is imported as. */
  readonly import?: { readonly module: string; readonly name: string };
}

/** All memories and tables of a module, in the order of their indexes. */
export interface Declarations {
  /** How many functions are imported: the module's own are counted from there. */
  readonly importedFunctions: number;
  /** The same for globals. */
  readonly importedGlobals: number;
  /** The host can give it a network: it imports a `sock_*`. */
  readonly sockets: boolean;
  /** It takes connections, and cannot say where: it imports `sock_accept`, neither `sock_open` nor `sock_bind`. */
  readonly awaitsListeners: boolean;
  readonly memories: readonly Declaration[];
  readonly tables: readonly Declaration[];
}

const FLAG = { maximum: 1, shared: 2, address64: 4 };
const KIND = { function: 0, table: 1, memory: 2, global: 3, tag: 4 };
/** Begins a table whose elements have an initial value of their own. */
const TABLE_WITH_VALUE = 0x40;
const SOCKET_PREFIX = new TextEncoder().encode("sock_");
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Reads what a module says of its memories and tables (Wasm core specification, "Import Section",
 * "Table Section", "Memory Section").
 *
 * @throws {MalformedError} For everything that is not known here: what cannot be read cannot be
 * limited.
 * @throws {ModuleLimitError} For more of them than {@linkcode MEMORIES_MAX} and {@linkcode TABLES_MAX},
 * or more imports than {@linkcode IMPORTS_MAX}.
 */
export function readDeclarations(
  module: Uint8Array,
  sections: readonly Section[],
): Declarations {
  const memories: Declaration[] = [];
  const tables: Declaration[] = [];
  let [importedFunctions, importedGlobals] = [0, 0];
  let socketCalls: readonly string[] = [];
  for (const section of sections) {
    const reader = new Reader(module, section);
    if (section.id === SECTION.import) {
      const imports = readImports(reader, { memories, tables });
      importedFunctions += imports.functions;
      importedGlobals += imports.globals;
      socketCalls = [...socketCalls, ...imports.socketCalls];
    } else if (section.id === SECTION.table) {
      readEach(reader, () => addTable(tables, readTable(reader)));
    } else if (section.id === SECTION.memory) {
      readEach(reader, () => addMemory(memories, readLimits(reader)));
    }
  }
  return {
    memories,
    tables,
    importedFunctions,
    importedGlobals,
    sockets: socketCalls.length > 0,
    awaitsListeners: awaitsListeners(socketCalls),
  };
}

function readEach(reader: Reader, readOne: () => void): void {
  for (let left = reader.u32(); left > 0; left--) readOne();
  if (reader.at !== reader.end) reader.fail("is past the last entry of its section");
}

/** True for a module with these imports that can serve only where it finds itself listening. */
export function awaitsListeners(imports: readonly string[]): boolean {
  return imports.includes("sock_accept") && !imports.includes("sock_open") &&
    !imports.includes("sock_bind");
}

/** Answers how many functions and globals there were, and which of the functions are on sockets. */
function readImports(
  reader: Reader,
  into: { memories: Declaration[]; tables: Declaration[] },
): {
  readonly functions: number;
  readonly globals: number;
  readonly socketCalls: readonly string[];
} {
  let [functions, globals] = [0, 0];
  const socketCalls: string[] = [];
  let left = IMPORTS_MAX;
  readEach(reader, () => {
    if (left-- === 0) {
      throw new ModuleLimitError(`it has more than ${IMPORTS_MAX} imports, the limit`);
    }
    const [module, name] = [reader.name(), reader.name()];
    const kind = reader.byte();
    if (kind === KIND.function) {
      reader.u32();
      functions++;
      if (SOCKET_PREFIX.every((byte, index) => name[index] === byte)) {
        socketCalls.push(textOf(name));
      }
    } else if (kind === KIND.table || kind === KIND.memory) {
      if (kind === KIND.table) reader.skipValueType();
      const declaration = {
        ...readLimits(reader),
        import: { module: textOf(module), name: textOf(name) },
      };
      if (kind === KIND.table) addTable(into.tables, declaration);
      else addMemory(into.memories, declaration);
    } else if (kind === KIND.global) {
      reader.skipValueType();
      reader.byte();
      globals++;
    } else if (kind === KIND.tag) {
      reader.byte();
      reader.u32();
    } else reader.fail(`imports a thing of unknown kind ${kind}`);
  });
  return { functions, globals, socketCalls };
}

function textOf(name: Uint8Array): string {
  if (name.length <= NAME_BYTES_MAX) return decoder.decode(name);
  throw new ModuleLimitError(
    `it has a name of ${name.length} bytes; the limit is ${NAME_BYTES_MAX}`,
  );
}

// Refused while they are read, because a hostile file has room for a hundred million.
function addMemory(memories: Declaration[], memory: Declaration): void {
  if (memories.push(memory) <= MEMORIES_MAX) return;
  throw new ModuleLimitError(`it has more than ${MEMORIES_MAX} memories, the limit`);
}

function addTable(tables: Declaration[], table: Declaration): void {
  if (tables.push(table) <= TABLES_MAX) return;
  throw new ModuleLimitError(`it has more than ${TABLES_MAX} tables, the limit`);
}

function readTable(reader: Reader): Limits {
  const [first, start] = [reader.byte(), reader.at];
  if (first !== TABLE_WITH_VALUE) {
    reader.at = start - 1;
    reader.skipValueType();
    return readLimits(reader);
  }
  if (reader.byte() !== 0) reader.fail("begins a table of an unknown form");
  reader.skipValueType();
  const limits = readLimits(reader);
  skipConstant(reader);
  return limits;
}

function readLimits(reader: Reader): Limits {
  const start = reader.at;
  const flags = reader.byte();
  if (flags > (FLAG.maximum | FLAG.shared | FLAG.address64)) {
    reader.fail(`follows limits of an unknown kind ${flags}`);
  }
  const address64 = (flags & FLAG.address64) !== 0;
  const number = (): number => address64 ? Number(reader.u64()) : reader.u32();
  const minimum = number();
  const maximum = (flags & FLAG.maximum) !== 0 ? number() : undefined;
  if (maximum !== undefined && maximum < minimum) {
    reader.fail(`follows a maximum of ${maximum}, below the minimum of ${minimum}`);
  }
  const limits = { minimum, shared: (flags & FLAG.shared) !== 0, address64, start, end: reader.at };
  return maximum === undefined ? limits : { ...limits, maximum };
}

const OP = {
  end: 0x0b,
  globalGet: 0x23,
  i32Const: 0x41,
  i64Const: 0x42,
  f32Const: 0x43,
  f64Const: 0x44,
  refNull: 0xd0,
  refFunc: 0xd2,
};

/** Passes over the constant expression that a table is filled with; the usual ones are known. */
function skipConstant(reader: Reader): void {
  for (;;) {
    const op = reader.byte();
    if (op === OP.end) return;
    if (op === OP.globalGet || op === OP.refFunc) reader.u32();
    else if (op === OP.refNull) reader.skipNumber();
    else if (op === OP.i32Const || op === OP.i64Const) reader.skipNumber();
    else if (op === OP.f32Const) reader.pass(4);
    else if (op === OP.f64Const) reader.pass(8);
    else reader.fail(`follows instruction ${op}, not known as the value of a table`);
  }
}
