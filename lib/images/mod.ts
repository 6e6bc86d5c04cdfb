/**
 * The image store by itself, for whoever measures it without a kubelet around it.
 *
 * @module
 */
export { ImageStore, type ImageStoreOptions } from "./images.ts";
