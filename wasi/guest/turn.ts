/** Settles when the event loop has looked at everything once: after 5 µs, where a timer takes 2 ms. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
