/**
 * Limits on what a module is and has, with the figures that they come from (V8 15 on Linux).
 *
 * @module
 */

/** Bytes of one page of memory. */
export const PAGE_BYTES = 64 * 1024;
/** Pages that a memory with 32-bit addresses can have, whatever is declared: 4 GiB. */
export const PAGES_MAX = 65_536;
/** Pages that V8 gives to a memory with 64-bit addresses, whatever is declared: 16 GiB. */
export const PAGES64_MAX = 262_144;

/**
 * Bytes of a module. V8 alone takes 1 GiB, and it is held twice while it is compiled: the file that
 * was read, and the engine's copy. The largest programs known (a whole Go control plane) have 52 MB.
 */
export const MODULE_BYTES_MAX = 256 * 1024 * 1024;
/** Sections of a module. Compilers make some twenty; a file has room for a hundred million. */
export const SECTIONS_MAX = 1_000;
/** Imports of a module. V8 takes 1,000,000, and this host has fewer than 100 calls to give. */
export const IMPORTS_MAX = 100_000;
/** Bytes of a name that is looked at; V8 has no limit. Mangled names of C++ and Rust have some hundred. */
export const NAME_BYTES_MAX = 100_000;
/** Functions and exports that are looked at for advice; V8 refuses a module with more. */
export const FUNCTIONS_MAX = 1_000_000;
export const EXPORTS_MAX = 100_000;
/** The same for types and globals. */
export const TYPES_MAX = 1_000_000;
export const GLOBALS_MAX = 1_000_000;
/** Bytes of one function's code; V8 refuses more. */
export const FUNCTION_BYTES_MAX = 7_654_321;
/**
 * Places that may grow memory and still be watched. Compilers make one to five; a file has room for a
 * hundred million.
 */
export const GROWTHS_MAX = 1_000;
/**
 * Bytes of functions that are read instruction by instruction in search of them, because each has a
 * suspicious pair of bytes: a Go program with 9 MB of code has 35 with 58 KB. 200 MiB made of such pairs
 * cost 0.6 s on a busy machine, most of it for the search.
 */
export const GROWTH_CODE_BYTES_MAX = 4 * 1024 * 1024;
/**
 * Elements of all tables of a module together. An element costs 24 bytes outside of linear memory,
 * so that these are 24 MB; V8 alone takes 10,000,000 in each of 100,000 tables, 24 TB.
 */
export const TABLE_ELEMENTS_MAX = 1_000_000;
/** Tables of a module. 100,000 empty ones cost 31 MB; compilers make one, or one for each type. */
export const TABLES_MAX = 1_000;
/**
 * Memories of a module. Each reserves 10 GiB of addresses, of which a process has 128 TiB, whatever
 * its size; compilers make one.
 */
export const MEMORIES_MAX = 100;

// The other counts are bounded well enough by V8 itself, measured at its own limits: 1,000,000
// functions 170 ms and 110 MB, types 170 ms and 86 MB, globals 60 ms and 34 MB, tags 50 ms and 60 MB,
// element segments 6 MB of file, 220 ms and 120 MB; 100,000 exports 60 ms and 36 MB, data segments 4 ms
// and 4 MB.
