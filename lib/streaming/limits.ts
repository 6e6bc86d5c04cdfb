/**
 * What a peer can make this node keep, wait for or do. Peers are API servers and people with the
 * cluster's permission: the limits are wide, and there is one for everything.
 *
 * @module
 */

/** Bytes of one stream that nobody has read yet; then nothing more is read from its connection. */
export const STREAM_BUFFER_BYTES_MAX = 256 * 1024;
/** Bytes of all streams of one connection that nobody has read yet. */
export const CONNECTION_BUFFER_BYTES_MAX = 4 * 1024 * 1024;
/** What one kept piece of a stream costs beside its bytes, so that pieces of one byte are not free. */
export const PIECE_COST_BYTES = 128;
/** Streams of one connection: two for each client of a port-forward. */
export const STREAMS_MAX = 1_024;
/** Payload of a SPDY control frame; data frames are never held as a whole. */
export const CONTROL_FRAME_BYTES_MAX = 32 * 1024;
/** A stream's headers when they are inflated; Kubernetes sends less than 200 bytes. */
export const HEADER_BLOCK_BYTES_MAX = 16 * 1024;
/** Headers of one stream; Kubernetes sends three. */
export const HEADERS_MAX = 64;
/** Payload of a data frame that is sent; the format allows 16 MiB. */
export const DATA_FRAME_BYTES_MAX = 1024 * 1024;
/** One message over a WebSocket, which is held as a whole; kubectl sends 32 KiB. */
export const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;
/** Text of a terminal's size that has no end yet. */
export const RESIZE_CHARS_MAX = 1_024;
/** Ports of one port-forward by channels: a port has two, and each must be a character of ASCII. */
export const CHANNEL_PORTS_MAX = 32;
/** Words of an error that a peer is told. */
export const ERROR_CHARS_MAX = 16 * 1024;

/** How long things may take; all can be changed for one session. */
export interface StreamingTimes {
  /** Time for a peer to open the streams that belong together. */
  readonly creationMs: number;
  /** Silence of a peer before its connection is closed; its pings are signs of life. */
  readonly idleMs: number;
  /** Time between two pings, which find out whether a peer is still there that is not read from. */
  readonly pingMs: number;
  /** Time for a peer to take what is left and to close, when a session has ended. */
  readonly lingerMs: number;
}

/** A kubelet's own times where it has them: `streamingConnectionIdleTimeout` is 4 hours. */
export const STREAMING_TIMES: StreamingTimes = {
  creationMs: 30_000,
  idleMs: 4 * 3_600_000,
  pingMs: 30_000,
  lingerMs: 5_000,
};
