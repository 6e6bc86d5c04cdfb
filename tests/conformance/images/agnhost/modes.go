package main

import (
	"os"
	"syscall"
	"unsafe"
)

// A filestat of WASI preview 1. Krustlet tells the mode where preview 1 has nothing: see docs/wasi.md.
type filestat struct {
	dev, ino      uint64
	kind          uint8
	_             [3]uint8
	mode          uint32
	nlink, size   uint64
	atime, mtime  uint64
	statusChanged uint64
}

//go:wasmimport wasi_snapshot_preview1 fd_filestat_get
//go:noescape
func fdFilestatGet(fd int32, into unsafe.Pointer) uint32

// modeOf is the mode of the file behind a path. Go's own library says 0600 or 0700 of every one.
func modeOf(path string) (os.FileMode, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	var stat filestat
	if errno := syscall.Errno(fdFilestatGet(int32(file.Fd()), unsafe.Pointer(&stat))); errno != 0 {
		return 0, &os.PathError{Op: "stat", Path: path, Err: errno}
	}
	mode := os.FileMode(stat.mode & 0o777)
	for bit, flag := range map[uint32]os.FileMode{
		0o1000: os.ModeSticky,
		0o2000: os.ModeSetgid,
		0o4000: os.ModeSetuid,
	} {
		if stat.mode&bit != 0 {
			mode |= flag
		}
	}
	if info, err := file.Stat(); err == nil {
		mode |= info.Mode().Type()
	}
	return mode, nil
}
