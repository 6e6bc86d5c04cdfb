/**
 * Building and reading DER (X.690) with node-forge, which is loaded when it is first needed: most
 * starts of the agent need no request.
 *
 * forge speaks "binary strings", one character for each byte; they stay inside this file.
 *
 * @module
 */
// @ts-types="@types/node-forge"
import type { asn1 } from "node-forge";

/** One element of DER: a tag and what it holds. */
export type DerNode = asn1.Asn1;

/** The element types that requests and certificates are made of. */
export interface Der {
  sequence(...nodes: DerNode[]): DerNode;
  set(...nodes: DerNode[]): DerNode;
  /** Context-specific and constructed, such as `[0] attributes`. */
  context(tag: number, ...nodes: DerNode[]): DerNode;
  /** Context-specific and primitive, such as `[2] dNSName`. */
  tagged(tag: number, bytes: Uint8Array): DerNode;
  /** Dotted, such as `2.5.4.3`. */
  oid(dotted: string): DerNode;
  utf8(text: string): DerNode;
  octets(bytes: Uint8Array): DerNode;
  /** A bit string without unused bits. */
  bitString(bytes: Uint8Array): DerNode;
  /** A non-negative integer, given in big-endian bytes of any length. */
  unsigned(bytes: Uint8Array): DerNode;
  /** Any other universal type that holds bytes. */
  primitive(type: number, bytes: Uint8Array): DerNode;
  /** @throws {Error} if the bytes are not one DER element, and nothing after it. */
  parse(bytes: Uint8Array): DerNode;
  bytes(node: DerNode): Uint8Array<ArrayBuffer>;
  /** The element at this place inside a constructed one. */
  child(node: DerNode | undefined, index: number): DerNode | undefined;
}

/** Loads forge once. */
export async function loadDer(): Promise<Der> {
  // @ts-types="@types/node-forge"
  const { default: { asn1 } } = await import("node-forge");
  const { Class, Type } = asn1;
  const constructed = (type: number, nodes: DerNode[]): DerNode =>
    asn1.create(Class.UNIVERSAL, type, true, nodes);
  const primitive = (type: number, bytes: Uint8Array): DerNode =>
    asn1.create(Class.UNIVERSAL, type, false, toBinary(bytes));
  return {
    sequence: (...nodes) => constructed(Type.SEQUENCE, nodes),
    set: (...nodes) => constructed(Type.SET, nodes),
    context: (tag, ...nodes) => asn1.create(Class.CONTEXT_SPECIFIC, tag, true, nodes),
    tagged: (tag, bytes) => asn1.create(Class.CONTEXT_SPECIFIC, tag, false, toBinary(bytes)),
    oid: (dotted) =>
      asn1.create(Class.UNIVERSAL, Type.OID, false, asn1.oidToDer(dotted).getBytes()),
    utf8: (text) => primitive(Type.UTF8, new TextEncoder().encode(text)),
    octets: (bytes) => primitive(Type.OCTETSTRING, bytes),
    bitString: (bytes) => primitive(Type.BITSTRING, Uint8Array.of(0, ...bytes)),
    unsigned: (bytes) => primitive(Type.INTEGER, unsignedInteger(bytes)),
    primitive,
    parse: (bytes) => asn1.fromDer(toBinary(bytes), true),
    bytes: (node) => fromBinary(asn1.toDer(node).getBytes()),
    child: (node, index) => typeof node?.value === "string" ? undefined : node?.value[index],
  };
}

/** The shortest two's complement of a non-negative number (X.690 §8.3). */
export function unsignedInteger(bytes: Uint8Array): Uint8Array {
  let first = 0;
  while (first < bytes.length - 1 && bytes[first] === 0) first++;
  const shortest = bytes.subarray(first);
  if (shortest.length === 0) return Uint8Array.of(0);
  return shortest[0]! >= 0x80 ? Uint8Array.of(0, ...shortest) : shortest;
}

/** One character for each byte. */
function toBinary(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function fromBinary(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
