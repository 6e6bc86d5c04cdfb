// Programs whose speed is measured: each folder is one for GOOS=wasip1 GOARCH=wasm.
module krustlet.dev/scripts/bench_wasi

go 1.26.0
