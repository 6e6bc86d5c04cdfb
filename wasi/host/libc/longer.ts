/** A copy that has room for this index, and for as many again: for numbers that are kept by descriptor. */
export function longer(array: Int32Array<ArrayBuffer>, index: number): Int32Array<ArrayBuffer> {
  const long = new Int32Array(2 * (index + 1));
  long.set(array);
  return long;
}
