package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"syscall"
	"unsafe"
)

// What the host is asked, in the form of WasmEdge's socket extension.

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

const (
	kindDatagrams = 1
	kindStream    = 2
	levelSocket   = 0
	optionReuse   = 0
	optionError   = 2
	backlog       = 128
)

// buffer is a pointer and a length, as the host reads them.
type buffer struct{ at, length uint32 }

func bufferOf(bytes []byte) buffer {
	return buffer{uint32(uintptr(unsafe.Pointer(unsafe.SliceData(bytes)))), uint32(len(bytes))}
}

// place is an address: its family, and the bytes of the address.
type place struct {
	bytes  [128]byte
	buffer buffer
}

func placeOf(address netip.Addr) *place {
	var made place
	family := byte(1)
	if address.Is6() {
		family = 2
	}
	made.bytes[0] = family
	copy(made.bytes[2:], address.AsSlice())
	made.buffer = bufferOf(made.bytes[:])
	return &made
}

func (place *place) pointer() unsafe.Pointer { return unsafe.Pointer(&place.buffer) }

// open gives a socket that never blocks, for the address's family.
func open(address netip.Addr, kind uint32) (int32, error) {
	family := uint32(1)
	if address.Is6() {
		family = 2
	}
	var fd int32
	if errno := sockOpen(family, kind, &fd); errno != 0 {
		return -1, os.NewSyscallError("sock_open", errno)
	}
	return fd, syscall.SetNonblock(int(fd), true)
}

func listen(text string) (net.Listener, error) {
	address, err := netip.ParseAddrPort(text)
	if err != nil {
		return nil, err
	}
	fd, err := open(address.Addr(), kindStream)
	if err != nil {
		return nil, err
	}
	yes := int32(1)
	if errno := sockSetOption(fd, levelSocket, optionReuse, &yes, 4); errno != 0 {
		return nil, os.NewSyscallError("sock_setsockopt", errno)
	}
	if errno := sockBind(fd, placeOf(address.Addr()).pointer(), uint32(address.Port())); errno != 0 {
		return nil, os.NewSyscallError("sock_bind", errno)
	}
	if errno := sockListen(fd, backlog); errno != 0 {
		return nil, os.NewSyscallError("sock_listen", errno)
	}
	return net.FileListener(os.NewFile(uintptr(fd), text))
}

func dialContext(_ context.Context, _, text string) (net.Conn, error) {
	address, err := netip.ParseAddrPort(text)
	if err != nil {
		return nil, err
	}
	fd, err := open(address.Addr(), kindStream)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), text)
	defer file.Close()
	errno := sockConnect(fd, placeOf(address.Addr()).pointer(), uint32(address.Port()))
	if errno == syscall.EINPROGRESS {
		errno, err = waitForConnection(file, fd)
	}
	if err != nil {
		return nil, err
	}
	if errno != 0 {
		return nil, os.NewSyscallError("sock_connect", errno)
	}
	return net.FileConn(file)
}

// waitForConnection lets other goroutines run until the host knows how it went.
func waitForConnection(file *os.File, fd int32) (syscall.Errno, error) {
	raw, err := file.SyscallConn()
	if err != nil {
		return 0, err
	}
	asked := false
	var value int32
	err = raw.Write(func(uintptr) bool {
		if !asked { // the first time nobody has waited yet
			asked = true
			return false
		}
		if errno := sockGetOption(fd, levelSocket, optionError, &value, 4); errno != 0 {
			value = int32(errno)
		}
		return true
	})
	return syscall.Errno(value), err
}

func ask(text, question string) error {
	address, err := netip.ParseAddrPort(text)
	if err != nil {
		return err
	}
	fd, err := open(address.Addr(), kindDatagrams)
	if err != nil {
		return err
	}
	if err := syscall.SetNonblock(int(fd), false); err != nil {
		return err
	}
	to := placeOf(address.Addr())
	bytes := []byte(question)
	out := bufferOf(bytes)
	var count, port, flags uint32
	errno := sockSendTo(fd, unsafe.Pointer(&out), 1, to.pointer(), uint32(address.Port()), 0, &count)
	runtime.KeepAlive(bytes) // the host reads it through an address that Go does not see
	if errno != 0 {
		return os.NewSyscallError("sock_send_to", errno)
	}
	answer := make([]byte, 512)
	in := bufferOf(answer)
	from := placeOf(netip.AddrFrom4([4]byte{}))
	errno = sockReceiveFrom(fd, unsafe.Pointer(&in), 1, from.pointer(), 0, &port, &count, &flags)
	if errno != 0 {
		return os.NewSyscallError("sock_recv_from", errno)
	}
	sender, _ := netip.AddrFromSlice(from.bytes[2:6])
	fmt.Printf("%s from %s\n", answer[:count], netip.AddrPortFrom(sender, uint16(port)))
	return nil
}
