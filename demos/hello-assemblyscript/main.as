// Greets, and tells what its Pod gave it. It calls WASI itself, so it needs no library.

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

function print(text: string): void {
  const bytes = String.UTF8.encode(text + "\n");
  const buffer = memory.data(16);
  store<usize>(buffer, changetype<usize>(bytes));
  store<i32>(buffer, bytes.byteLength, 4);
  fd_write(1, buffer, 1, buffer + 8);
}

// The host tells the number of texts and their size, and then fills a table of pointers and the
// texts themselves, each with a zero byte behind it.
function texts(
  sizes_get: (count: usize, bytes: usize) => i32,
  get: (pointers: usize, text: usize) => i32,
): string[] {
  const sizes = memory.data(8);
  sizes_get(sizes, sizes + 4);
  const count = load<i32>(sizes);
  const pointers = heap.alloc(count * sizeof<usize>() + 1);
  get(pointers, heap.alloc(load<i32>(sizes, 4) + 1));
  const all: string[] = [];
  for (let i = 0; i < count; i++) {
    const start = load<usize>(pointers + i * sizeof<usize>());
    let length = 0;
    while (load<u8>(start + length) != 0) length++;
    all.push(String.UTF8.decodeUnsafe(start, length));
  }
  return all;
}

function setting(environment: string[], name: string): string {
  for (let i = 0; i < environment.length; i++) {
    if (environment[i].startsWith(name + "=")) return environment[i].substring(name.length + 1);
  }
  return "";
}

// What the compiler calls when an assertion of its runtime fails.
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  unreachable();
}

export function _start(): void {
  const environment = texts((c, b) => environ_sizes_get(c, b), (p, t) => environ_get(p, t));
  const args = texts((c, b) => args_sizes_get(c, b), (p, t) => args_get(p, t));
  print("Hello from AssemblyScript!");
  print("My Pod is " + setting(environment, "NAMESPACE") + "/" + setting(environment, "POD"));
  print("My arguments are: " + args.slice(1).join(" "));
}
