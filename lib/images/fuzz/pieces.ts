/** The bytes as they come from a network or a disk: in pieces of this size. For tests only. */
export function piecesOf(bytes: Uint8Array, pieceBytes: number): AsyncIterable<Uint8Array> {
  let at = 0;
  const next = (): Promise<IteratorResult<Uint8Array>> => {
    const value = bytes.subarray(at, at += pieceBytes);
    return Promise.resolve(value.length === 0 ? { done: true, value: undefined } : { value });
  };
  return { [Symbol.asyncIterator]: () => ({ next }) };
}
