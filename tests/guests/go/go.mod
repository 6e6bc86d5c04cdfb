// Guests in Go: each folder is a program for GOOS=wasip1 GOARCH=wasm.
module krustlet.dev/tests/guests

go 1.26.0
