/**
 * Limits on what an image may put on this node's disk, and into its memory while it is unpacked.
 *
 * @module
 */

/** Layers of an image: what container runtimes take. */
export const LAYERS_MAX = 127;
/** Bytes of a layer as it is sent: twice the largest single layers of common images. */
export const LAYER_BYTES_MAX = 1024 * 1024 * 1024;
/** Bytes of all files of an image, unpacked; a hard link counts as a file of its own. */
export const TREE_BYTES_MAX = 2 * 1024 * 1024 * 1024;
/** Bytes of an archive, or of all archives of an image, that are no content of files: headers, padding. */
export const OVERHEAD_BYTES_MAX = 512 * 1024 * 1024;
/** Bytes of all layers of an image as they are sent: no image within the limits comes of more. */
export const LAYERS_BYTES_MAX = TREE_BYTES_MAX + OVERHEAD_BYTES_MAX;
/** Bytes of one file of an image. */
export const FILE_BYTES_MAX = 1024 * 1024 * 1024;
/** Files, folders and links of an image, in all of its layers: a Linux distribution has some 30,000. */
export const ENTRIES_MAX = 200_000;
/** Hard links and symbolic links of an image: a multi-call program has some 400. */
export const LINKS_MAX = 20_000;
/** Bytes of a path, and of a link's target: Linux takes 4095, those of the folder in front included. */
export const PATH_BYTES_MAX = 3072;
/** Bytes of one name in a path: `NAME_MAX` of every common file system. */
export const NAME_BYTES_MAX = 255;
/** Folders above a file. Real trees stay below 30. */
export const DEPTH_MAX = 100;
/** Bytes of the extra headers of one tar entry: long names, and what archivers note beside. */
export const EXTRA_BYTES_MAX = 1024 * 1024;
/** Bytes of all extra headers of an archive, so that millions of them are no way to burn time. */
export const EXTRA_BYTES_TOTAL_MAX = 64 * 1024 * 1024;

/** Times that a layer may grow when it is unpacked. Text reaches 20; a bomb of zeros 1,000 and more. */
export const RATIO_MAX = 200;
/** Bytes that are unpacked before the ratio is looked at: a small file of zeros is no bomb. */
export const RATIO_FREE_BYTES = 64 * 1024 * 1024;
/** Bytes of history that zstd may ask to be held in memory: those of its level 20. */
export const ZSTD_WINDOW_BYTES_MAX = 32 * 1024 * 1024;
/** Frames of a zstd layer: some builders make one for each file. An empty one costs 9 bytes and 0.3 ms. */
export const ZSTD_FRAMES_MAX = 200_000;
/** Bytes that a decompressor hands on at once. */
export const UNPACK_CHUNK_BYTES = 256 * 1024;
/** Milliseconds of unpacking after which the rest of the agent gets its turn. */
export const TURN_MS_MAX = 10;

/** Symbolic links on the way to one program: Linux' own limit. */
export const LINKS_FOLLOWED_MAX = 40;
/**
 * Bytes of an image's tree that are copied for each container whose root is its own. 110 containers
 * of that size are 55 GiB; what is larger belongs into a read-only root, or a volume.
 */
export const ROOT_COPY_BYTES_MAX = 512 * 1024 * 1024;
/** Files that are copied at once: the disk is busy, and the thread pool is not taken over. */
export const COPIES_MAX = 8;
