/**
 * How a message over a WebSocket says which stream it belongs to: `channel.k8s.io`.
 *
 * @module
 */

/** A message for one channel. */
export interface ChannelMessage {
  readonly channel: number;
  readonly bytes: Uint8Array;
}

/** A form that messages have. */
export interface ChannelCodec {
  /** Reads what the peer has sent; `undefined` for what is no message of a channel. */
  decode(message: Uint8Array): ChannelMessage | undefined;
  /** Writes a message, with a copy of its bytes. */
  encode(message: ChannelMessage): Uint8Array | string;
}

/** Byte 0 is the channel. */
export const BINARY: ChannelCodec = {
  decode: (message) =>
    message.length === 0 ? undefined : { channel: message[0]!, bytes: message.subarray(1) },
  encode({ channel, bytes }): Uint8Array {
    const message = new Uint8Array(1 + bytes.length);
    message[0] = channel;
    message.set(bytes, 1);
    return message;
  },
};

/** The first character, from `0` on, is the channel; the rest is Base64. For clients without bytes. */
export const BASE64: ChannelCodec = {
  decode(message): ChannelMessage | undefined {
    const channel = (message[0] ?? 0) - ZERO;
    if (channel < 0) return undefined;
    try {
      return { channel, bytes: Uint8Array.fromBase64(LATIN1.decode(message.subarray(1))) };
    } catch {
      return undefined;
    }
  },
  encode: ({ channel, bytes }) => String.fromCharCode(ZERO + channel) + bytes.toBase64(),
};

const ZERO = "0".charCodeAt(0);
const LATIN1 = new TextDecoder("latin1");
