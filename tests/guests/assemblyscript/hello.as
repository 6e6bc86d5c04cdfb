// Prints what it was given: its arguments and its environment.

@external("wasi_snapshot_preview1", "fd_write")
declare function fd_write(fd: i32, buffers: usize, count: i32, written: usize): i32;
@external("wasi_snapshot_preview1", "args_sizes_get")
declare function args_sizes_get(count: usize, bytes: usize): i32;
@external("wasi_snapshot_preview1", "args_get")
declare function args_get(pointers: usize, text: usize): i32;
@external("wasi_snapshot_preview1", "environ_sizes_get")
declare function environ_sizes_get(count: usize, bytes: usize): i32;
@external("wasi_snapshot_preview1", "environ_get")
declare function environ_get(pointers: usize, text: usize): i32;
@external("wasi_snapshot_preview1", "proc_exit")
declare function proc_exit(code: i32): void;

function print(fd: i32, text: string): void {
  const bytes = String.UTF8.encode(text + "\n");
  const buffer = memory.data(16);
  store<usize>(buffer, changetype<usize>(bytes));
  store<i32>(buffer, bytes.byteLength, 4);
  fd_write(fd, buffer, 1, buffer + 8);
}

// The host tells the number of texts and their size, and then fills a table of pointers and the
// texts themselves, each with a zero byte behind it.
function read(sizes: usize, fill: (pointers: usize, text: usize) => i32): string[] {
  const count = load<i32>(sizes);
  const pointers = heap.alloc(count * sizeof<usize>() + 1);
  const text = heap.alloc(load<i32>(sizes, 4) + 1);
  fill(pointers, text);
  const all: string[] = [];
  for (let i = 0; i < count; i++) {
    const start = load<usize>(pointers + i * sizeof<usize>());
    let length = 0;
    while (load<u8>(start + length) != 0) length++;
    all.push(String.UTF8.decodeUnsafe(start, length));
  }
  return all;
}

// What the compiler calls when an assertion of its runtime fails.
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  print(2, (message ? message : "aborted") + " at " + (file ? file : "?") + ":" + line.toString());
  proc_exit(255);
}

export function _start(): void {
  print(1, "hello from stdout!");
  print(2, "hello from stderr!");
  const sizes = memory.data(8);
  environ_sizes_get(sizes, sizes + 4);
  const environment = read(sizes, (pointers, text) => environ_get(pointers, text));
  environment.sort();
  for (let i = 0; i < environment.length; i++) print(1, environment[i]);
  args_sizes_get(sizes, sizes + 4);
  const args = read(sizes, (pointers, text) => args_get(pointers, text));
  print(1, "Args are: [" + args.slice(1).join(", ") + "]");
}
