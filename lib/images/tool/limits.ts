/**
 * Limits of the commands that push, pull and look at images.
 *
 * @module
 */

/** Bytes of the part of a module that names its imports or exports: a large program has some 50 KiB. */
export const NAMES_BYTES_MAX = 4 * 1024 * 1024;
/** Imports, or exports, of a module: twice what engines take of a component. */
export const NAMES_MAX = 100_000;
/** Parts of a module that are walked over. A large component has some thousands of them. */
export const SECTIONS_MAX = 100_000;
/** Bytes that are fetched at once of a module that is only looked into. */
export const WINDOW_BYTES = 256 * 1024;
/** Requests for one such module: a component has its names in several places, and is left at some point. */
export const WINDOWS_MAX = 64;

/** Files beside a module: container runtimes take no more layers, and one is the module. */
export const FILES_MAX = 126;
/** Entries of a folder that is to be pushed, before somebody is told that it is not a small one. */
export const ENTRIES_MAX = 10_000;

/** Milliseconds between two drawings of the progress. */
export const DRAW_MS = 100;
