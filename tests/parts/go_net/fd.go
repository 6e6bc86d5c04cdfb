package net

import (
	"internal/poll"
	"runtime"
	"syscall"
	"time"
)

const (
	readSyscallName  = "fd_read"
	writeSyscallName = "fd_write"
)

// netFD is a socket of the host.
type netFD struct {
	pfd poll.FD

	family      int
	sotype      int
	isConnected bool
	net         string
	laddr       Addr
	raddr       Addr
}

// newPollFD is for descriptors that the program was handed: the host knows their addresses.
func newPollFD(network string, pfd poll.FD) *netFD {
	fd := &netFD{pfd: pfd, net: network, family: syscall.AF_INET, sotype: syscall.SOCK_STREAM}
	if network == "udp" {
		fd.sotype = syscall.SOCK_DGRAM
	}
	fd.lookAround()
	return fd
}

// lookAround asks the host for both addresses. What it does not tell is an address without content.
func (fd *netFD) lookAround() {
	var port uint32
	fd.laddr, fd.raddr = fd.noAddress(), fd.noAddress()
	place, _ := newHostPlace(nil)
	if sockLocalAddress(int32(fd.pfd.Sysfd), place.pointer(), &port) == 0 {
		if place.bytes[0] == hostIPv6 {
			fd.family = syscall.AF_INET6
		}
		fd.laddr = fd.addrFunc()(place.address(port))
	}
	place, _ = newHostPlace(nil)
	if sockPeerAddress(int32(fd.pfd.Sysfd), place.pointer(), &port) == 0 {
		fd.raddr = fd.addrFunc()(place.address(port))
	}
}

func (fd *netFD) noAddress() Addr {
	if fd.sotype == syscall.SOCK_DGRAM {
		return new(UDPAddr)
	}
	return new(TCPAddr)
}

func (fd *netFD) init() error {
	return fd.pfd.Init(fd.net, true)
}

func (fd *netFD) name() string {
	return fd.net + ":" + fd.laddr.String()
}

func (fd *netFD) accept() (*netFD, error) {
	number, _, call, err := fd.pfd.Accept()
	if err != nil {
		if call != "" {
			err = wrapSyscallError(call, err)
		}
		return nil, err
	}
	accepted := newPollFD(fd.net, poll.FD{Sysfd: number, IsStream: true, ZeroReadIsEOF: true})
	if err := accepted.init(); err != nil {
		accepted.Close()
		return nil, err
	}
	accepted.isConnected = true
	accepted.setAddr(accepted.laddr, accepted.raddr)
	return accepted, nil
}

// setAddr also sees to it that a socket that nobody knows any more is closed.
func (fd *netFD) setAddr(laddr, raddr Addr) {
	fd.laddr, fd.raddr = laddr, raddr
	runtime.SetFinalizer(fd, (*netFD).Close)
}

func (fd *netFD) Close() error {
	runtime.SetFinalizer(fd, nil)
	return fd.pfd.Close()
}

func (fd *netFD) shutdown(how int) error {
	err := fd.pfd.Shutdown(how)
	runtime.KeepAlive(fd)
	return wrapSyscallError("shutdown", err)
}

func (fd *netFD) closeRead() error  { return fd.shutdown(syscall.SHUT_RD) }
func (fd *netFD) closeWrite() error { return fd.shutdown(syscall.SHUT_WR) }

func (fd *netFD) Read(bytes []byte) (int, error) {
	count, err := fd.pfd.Read(bytes)
	runtime.KeepAlive(fd)
	return count, wrapSyscallError(readSyscallName, err)
}

func (fd *netFD) Write(bytes []byte) (int, error) {
	count, err := fd.pfd.Write(bytes)
	runtime.KeepAlive(fd)
	return count, wrapSyscallError(writeSyscallName, err)
}

func (fd *netFD) SetDeadline(at time.Time) error      { return fd.pfd.SetDeadline(at) }
func (fd *netFD) SetReadDeadline(at time.Time) error  { return fd.pfd.SetReadDeadline(at) }
func (fd *netFD) SetWriteDeadline(at time.Time) error { return fd.pfd.SetWriteDeadline(at) }
