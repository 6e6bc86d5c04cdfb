// Guests in Go with sockets: each folder is a program for GOOS=wasip1 GOARCH=wasm, built with the
// package net of tests/parts/go_net. They are programs like any others: nothing in them is about WASI.
module krustlet.dev/tests/guests/gonet

go 1.26.0
