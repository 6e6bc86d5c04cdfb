package net

import (
	"os"
	"runtime"
	"syscall"
	"unsafe"
)

// readFrom waits for a datagram, and tells its sender.
func (fd *netFD) readFrom(bytes []byte) (int, syscall.Sockaddr, error) {
	var count, port, flags uint32
	var errno syscall.Errno
	place, _ := newHostPlace(nil)
	err := fd.pfd.RawRead(func(number uintptr) bool {
		into := hostBufferOf(bytes)
		errno = sockReceiveFrom(
			int32(number), unsafe.Pointer(&into), 1, place.pointer(), 0, &port, &count, &flags,
		)
		return errno != syscall.EAGAIN
	})
	runtime.KeepAlive(bytes) // the host writes it through an address that Go does not see
	if err == nil {
		err = hostError("sock_recv_from", errno)
	}
	if err != nil {
		return 0, nil, err
	}
	return int(count), place.address(port), nil
}

func (fd *netFD) writeTo(bytes []byte, to syscall.Sockaddr) (int, error) {
	var count uint32
	var errno syscall.Errno
	place, port := newHostPlace(to)
	err := fd.pfd.RawWrite(func(number uintptr) bool {
		from := hostBufferOf(bytes)
		errno = sockSendTo(int32(number), unsafe.Pointer(&from), 1, place.pointer(), port, 0, &count)
		return errno != syscall.EAGAIN
	})
	runtime.KeepAlive(bytes)
	if err == nil {
		err = hostError("sock_send_to", errno)
	}
	return int(count), err
}

func (fd *netFD) readFromInet4(bytes []byte, from *syscall.SockaddrInet4) (int, error) {
	count, sender, err := fd.readFrom(bytes)
	if sender, is := sender.(*syscall.SockaddrInet4); is {
		*from = *sender
	}
	return count, err
}

func (fd *netFD) readFromInet6(bytes []byte, from *syscall.SockaddrInet6) (int, error) {
	count, sender, err := fd.readFrom(bytes)
	if sender, is := sender.(*syscall.SockaddrInet6); is {
		*from = *sender
	}
	return count, err
}

func (fd *netFD) readMsg(
	bytes, _ []byte, _ int,
) (n, oobn, retflags int, from syscall.Sockaddr, err error) {
	n, from, err = fd.readFrom(bytes)
	return n, 0, 0, from, err
}

func (fd *netFD) readMsgInet4(
	bytes, _ []byte, _ int, from *syscall.SockaddrInet4,
) (n, oobn, retflags int, err error) {
	n, err = fd.readFromInet4(bytes, from)
	return n, 0, 0, err
}

func (fd *netFD) readMsgInet6(
	bytes, _ []byte, _ int, from *syscall.SockaddrInet6,
) (n, oobn, retflags int, err error) {
	n, err = fd.readFromInet6(bytes, from)
	return n, 0, 0, err
}

func (fd *netFD) writeToInet4(bytes []byte, to *syscall.SockaddrInet4) (int, error) {
	return fd.writeTo(bytes, to)
}

func (fd *netFD) writeToInet6(bytes []byte, to *syscall.SockaddrInet6) (int, error) {
	return fd.writeTo(bytes, to)
}

func (fd *netFD) writeMsg(bytes, extra []byte, to syscall.Sockaddr) (int, int, error) {
	if len(extra) > 0 {
		return 0, 0, os.NewSyscallError("sock_send_to", syscall.ENOTSUP)
	}
	if to == nil {
		n, err := fd.Write(bytes)
		return n, 0, err
	}
	n, err := fd.writeTo(bytes, to)
	return n, 0, err
}

func (fd *netFD) writeMsgInet4(
	bytes, extra []byte, to *syscall.SockaddrInet4,
) (int, int, error) {
	if to == nil {
		return fd.writeMsg(bytes, extra, nil)
	}
	return fd.writeMsg(bytes, extra, to)
}

func (fd *netFD) writeMsgInet6(
	bytes, extra []byte, to *syscall.SockaddrInet6,
) (int, int, error) {
	if to == nil {
		return fd.writeMsg(bytes, extra, nil)
	}
	return fd.writeMsg(bytes, extra, to)
}
