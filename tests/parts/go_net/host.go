package net

import (
	"os"
	"syscall"
	"unsafe"
)

// What the host is asked, in the form of WasmEdge's socket extension, second version.

//go:wasmimport wasi_snapshot_preview1 sock_open
//go:noescape
func sockOpen(family, kind uint32, fd *int32) syscall.Errno

//go:wasmimport wasi_snapshot_preview1 sock_bind
//go:noescape
func sockBind(fd int32, address unsafe.Pointer, port uint32) syscall.Errno

//go:wasmimport wasi_snapshot_preview1 sock_listen
func sockListen(fd, backlog int32) syscall.Errno

//go:wasmimport wasi_snapshot_preview1 sock_connect
//go:noescape
func sockConnect(fd int32, address unsafe.Pointer, port uint32) syscall.Errno

//go:wasmimport wasi_snapshot_preview1 sock_getsockopt
//go:noescape
func sockGetOption(fd int32, level, name uint32, value *int32, size uint32) syscall.Errno

//go:wasmimport wasi_snapshot_preview1 sock_setsockopt
//go:noescape
func sockSetOption(fd int32, level, name uint32, value *int32, size uint32) syscall.Errno

//go:wasmimport wasi_snapshot_preview1 sock_getlocaladdr
//go:noescape
func sockLocalAddress(fd int32, address unsafe.Pointer, port *uint32) syscall.Errno

//go:wasmimport wasi_snapshot_preview1 sock_getpeeraddr
//go:noescape
func sockPeerAddress(fd int32, address unsafe.Pointer, port *uint32) syscall.Errno

//go:wasmimport wasi_snapshot_preview1 sock_recv_from
//go:noescape
func sockReceiveFrom(
	fd int32, buffers unsafe.Pointer, count uint32, address unsafe.Pointer, flags uint32,
	port, bytes, outFlags *uint32,
) syscall.Errno

//go:wasmimport wasi_snapshot_preview1 sock_send_to
//go:noescape
func sockSendTo(
	fd int32, buffers unsafe.Pointer, count uint32, address unsafe.Pointer, port, flags uint32,
	bytes *uint32,
) syscall.Errno

// The host's numbers.
const (
	hostIPv4, hostIPv6           = 1, 2
	hostDatagrams, hostStream    = 1, 2
	levelSocket, levelTCP        = 0, 6
	optionReuse, optionError     = 0, 2
	optionSendBuffer             = 5
	optionReceiveBuffer          = 6
	optionKeepAlive, optionDelay = 7, 15
	optionBytes                  = 4
)

// hostBuffer is a pointer and a length, as the host reads them.
type hostBuffer struct{ at, length uint32 }

func hostBufferOf(bytes []byte) hostBuffer {
	return hostBuffer{uint32(uintptr(unsafe.Pointer(unsafe.SliceData(bytes)))), uint32(len(bytes))}
}

// hostPlace is an address as the host reads and writes it: its family, then its bytes.
type hostPlace struct {
	bytes  [128]byte
	buffer hostBuffer
}

// newHostPlace answers an empty place to be filled, or that of an address; it lies on the heap.
func newHostPlace(address syscall.Sockaddr) (*hostPlace, uint32) {
	place, port := new(hostPlace), 0
	switch address := address.(type) {
	case *syscall.SockaddrInet4:
		place.bytes[0], port = hostIPv4, address.Port
		copy(place.bytes[2:], address.Addr[:])
	case *syscall.SockaddrInet6:
		place.bytes[0], port = hostIPv6, address.Port
		copy(place.bytes[2:], address.Addr[:])
	}
	place.buffer = hostBufferOf(place.bytes[:])
	return place, uint32(port)
}

func (place *hostPlace) pointer() unsafe.Pointer { return unsafe.Pointer(&place.buffer) }

// address is what the host has written.
func (place *hostPlace) address(port uint32) syscall.Sockaddr {
	switch place.bytes[0] {
	case hostIPv4:
		return &syscall.SockaddrInet4{Port: int(port), Addr: [4]byte(place.bytes[2:6])}
	case hostIPv6:
		return &syscall.SockaddrInet6{Port: int(port), Addr: [16]byte(place.bytes[2:18])}
	}
	return nil
}

// hostError makes an error of a number, nil of 0.
func hostError(call string, errno syscall.Errno) error {
	if errno == 0 {
		return nil
	}
	return os.NewSyscallError(call, errno)
}
