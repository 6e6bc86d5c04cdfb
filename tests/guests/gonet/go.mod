// Guests in Go with sockets: each folder is a program for GOOS=wasip1 GOARCH=wasm, built with the
// package net of tests/parts/go_net. They are programs like any others: nothing in them is about WASI.
module krustlet.dev/tests/guests/gonet

go 1.26.0

require google.golang.org/grpc v1.83.2

require (
	golang.org/x/net v0.58.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
	golang.org/x/text v0.41.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260526163538-3dc84a4a5aaa // indirect
	google.golang.org/protobuf v1.36.11 // indirect
)
