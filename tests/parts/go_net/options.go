package net

import (
	"os"
	"runtime"
	"syscall"
	"time"
)

func (fd *netFD) setOption(level, name uint32, value int) error {
	word := int32(value)
	errno := sockSetOption(int32(fd.pfd.Sysfd), level, name, &word, optionBytes)
	runtime.KeepAlive(fd)
	if errno != 0 {
		return errno
	}
	return nil
}

func numberOf(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func setNoDelay(fd *netFD, yes bool) error {
	return fd.setOption(levelTCP, optionDelay, numberOf(yes))
}

func setKeepAlive(fd *netFD, yes bool) error {
	return fd.setOption(levelSocket, optionKeepAlive, numberOf(yes))
}

func setReadBuffer(fd *netFD, bytes int) error {
	return fd.setOption(levelSocket, optionReceiveBuffer, bytes)
}

func setWriteBuffer(fd *netFD, bytes int) error {
	return fd.setOption(levelSocket, optionSendBuffer, bytes)
}

// What the host does not have.

func setLinger(*netFD, int) error                      { return syscall.ENOPROTOOPT }
func setKeepAliveIdle(*netFD, time.Duration) error     { return syscall.ENOPROTOOPT }
func setKeepAliveInterval(*netFD, time.Duration) error { return syscall.ENOPROTOOPT }
func setKeepAliveCount(*netFD, int) error              { return syscall.ENOPROTOOPT }
func (*netFD) dup() (*os.File, error)                  { return nil, os.NewSyscallError("dup", syscall.ENOSYS) }

// sysSocket is for a look at what the system can, which is left out on WASI.
func sysSocket(int, int, int) (int, error) {
	return 0, os.NewSyscallError("socket", syscall.ENOSYS)
}
