// Program aide does what the tests need of the operating system and of X.509.
//
//	aide certs DIR       writes the keys, certificates and kubeconfig material of a cluster
//	aide reap            ends the processes and folders it was told of when its input ends
//
// The tests are written in TypeScript; these two are simple and solid here and neither there.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "aide:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "certs":
		return writeCerts(args[1])
	case len(args) == 1 && args[0] == "reap":
		return reap(os.Stdin)
	}
	return fmt.Errorf("usage: aide certs DIR | aide reap, got %q", args)
}
