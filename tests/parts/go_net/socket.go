package net

import (
	"context"
	"internal/poll"
	"os"
	"syscall"
	"time"
)

type controlFunc = func(context.Context, string, string, syscall.RawConn) error

// socket answers one that is connected to raddr, or without it one that listens at laddr.
func socket(
	ctx context.Context, network string, family, sotype, proto int, ipv6only bool,
	laddr, raddr sockaddr, control controlFunc,
) (*netFD, error) {
	listens := raddr == nil
	if listens && family == syscall.AF_INET6 && !ipv6only && (laddr == nil || laddr.isWildcard()) {
		// Who listens everywhere means IPv4 first: not every host has both in one socket.
		family = syscall.AF_INET
	}
	fd, err := openSocket(network, family, sotype)
	if err != nil {
		return nil, err
	}
	if control != nil {
		address := laddr
		if !listens {
			address = raddr
		}
		err = control(ctx, network, address.String(), newRawConn(fd))
	}
	if err == nil && listens {
		err = fd.listen(laddr)
	} else if err == nil {
		err = fd.connect(ctx, laddr, raddr)
	}
	if err != nil {
		fd.Close()
		return nil, err
	}
	fd.lookAround()
	if !listens && sotype == syscall.SOCK_DGRAM {
		fd.raddr = raddr
	}
	fd.setAddr(fd.laddr, fd.raddr)
	return fd, nil
}

// openSocket gives one that never blocks its thread.
func openSocket(network string, family, sotype int) (*netFD, error) {
	hostFamily, kind := uint32(hostIPv4), uint32(hostStream)
	switch family {
	case syscall.AF_INET:
	case syscall.AF_INET6:
		hostFamily = hostIPv6
	default:
		return nil, os.NewSyscallError("sock_open", syscall.EAFNOSUPPORT)
	}
	switch sotype {
	case syscall.SOCK_STREAM:
	case syscall.SOCK_DGRAM:
		kind = hostDatagrams
	default:
		return nil, os.NewSyscallError("sock_open", syscall.EPROTONOSUPPORT)
	}
	var number int32
	if err := hostError("sock_open", sockOpen(hostFamily, kind, &number)); err != nil {
		return nil, err
	}
	stream := sotype == syscall.SOCK_STREAM
	pfd := poll.FD{Sysfd: int(number), IsStream: stream, ZeroReadIsEOF: stream}
	fd := &netFD{pfd: pfd, family: family, sotype: sotype, net: network}
	fd.laddr, fd.raddr = fd.noAddress(), fd.noAddress()
	if err := syscall.SetNonblock(int(number), true); err != nil {
		syscall.Close(int(number))
		return nil, os.NewSyscallError("setnonblock", err)
	}
	if err := fd.init(); err != nil {
		syscall.Close(int(number))
		return nil, err
	}
	return fd, nil
}

// listen takes connections at an address, or datagrams; without one, at all of them.
func (fd *netFD) listen(laddr sockaddr) error {
	if fd.sotype == syscall.SOCK_STREAM {
		if err := fd.setOption(levelSocket, optionReuse, 1); err != nil {
			return os.NewSyscallError("sock_setsockopt", err)
		}
	}
	if err := fd.bind(laddr, true); err != nil {
		return err
	}
	if fd.sotype != syscall.SOCK_STREAM {
		return nil
	}
	return hostError("sock_listen", sockListen(int32(fd.pfd.Sysfd), int32(listenerBacklog())))
}

func (fd *netFD) bind(laddr sockaddr, everywhere bool) error {
	var local syscall.Sockaddr
	if laddr != nil {
		var err error
		if local, err = laddr.sockaddr(fd.family); err != nil {
			return err
		}
	}
	switch {
	case local != nil:
	case !everywhere:
		return nil
	case fd.family == syscall.AF_INET6:
		local = new(syscall.SockaddrInet6)
	default:
		local = new(syscall.SockaddrInet4)
	}
	place, port := newHostPlace(local)
	return hostError("sock_bind", sockBind(int32(fd.pfd.Sysfd), place.pointer(), port))
}

// connect waits until there is a connection, or the context ends.
func (fd *netFD) connect(ctx context.Context, laddr, raddr sockaddr) error {
	if err := fd.bind(laddr, false); err != nil {
		return err
	}
	remote, err := raddr.sockaddr(fd.family)
	if err != nil {
		return err
	}
	place, port := newHostPlace(remote)
	errno := sockConnect(int32(fd.pfd.Sysfd), place.pointer(), port)
	if errno == syscall.EINPROGRESS {
		if errno, err = fd.waitForConnection(ctx); err != nil {
			return err
		}
	}
	fd.isConnected = errno == 0
	return hostError("connect", errno)
}

// waitForConnection answers how it went; an error if the context ended before.
func (fd *netFD) waitForConnection(ctx context.Context) (syscall.Errno, error) {
	stop := context.AfterFunc(ctx, func() { fd.pfd.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	if deadline, has := ctx.Deadline(); has {
		fd.pfd.SetWriteDeadline(deadline)
	}
	defer fd.pfd.SetWriteDeadline(noDeadline)
	for {
		if err := fd.pfd.WaitWrite(); err != nil {
			if ctx.Err() != nil {
				return 0, mapErr(ctx.Err())
			}
			return 0, err
		}
		var value int32
		number := int32(fd.pfd.Sysfd)
		if errno := sockGetOption(number, levelSocket, optionError, &value, optionBytes); errno != 0 {
			return errno, nil
		}
		if errno := syscall.Errno(value); errno != syscall.EINPROGRESS && errno != syscall.EALREADY {
			return errno, nil
		}
	}
}
