package signal

import (
	"os"
	"syscall"
	"time"
)

func init() {
	watchSignalLoop = loop
}

// loop waits for a signal: WASI has none, and Go's own way to wait is a loop without a pause there.
// Without anybody who waits, a program that has nothing else to do would be called a deadlock.
func loop() {
	for {
		time.Sleep(time.Hour)
	}
}

const numSig = 65

func signum(signal os.Signal) int {
	if number, is := signal.(syscall.Signal); is && number >= 0 && number < numSig {
		return int(number)
	}
	return -1
}

func enableSignal(int)       {}
func disableSignal(int)      {}
func ignoreSignal(int)       {}
func signalIgnored(int) bool { return false }
