package main

import (
	"bufio"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

// reap reads what its parent owns, one a line: `+123` and `-123` for a process that was started and
// one that has ended, `+/path` and `-/path` for a temporary folder.
//
// The input ends when the parent does, however it dies. Then the processes are killed, in the
// reverse order of their start, and the folders deleted: a crashed test run leaves nothing behind.
func reap(input io.Reader) error {
	// Ctrl-C reaches the whole process group, but this one has its work still to do.
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	owned, err := readOwned(input)
	for i := len(owned) - 1; i >= 0; i-- {
		if pid, failed := strconv.Atoi(owned[i]); failed == nil && pid > 1 {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	for _, path := range owned {
		if strings.HasPrefix(path, "/") {
			_ = os.RemoveAll(path)
		}
	}
	return err
}

func readOwned(input io.Reader) ([]string, error) {
	owned := []string{}
	lines := bufio.NewScanner(input)
	for lines.Scan() {
		line := lines.Text()
		if len(line) < 2 {
			continue
		}
		if line[0] == '+' {
			owned = append(owned, line[1:])
			continue
		}
		for i, known := range owned {
			if known == line[1:] {
				owned = append(owned[:i], owned[i+1:]...)
				break
			}
		}
	}
	return owned, lines.Err()
}
