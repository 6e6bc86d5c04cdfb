// Program lines waits for a file and then writes numbered lines of 100 bytes as fast as it can.
//
//	lines FILE COUNT
//
// It ends when all are written.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Println("usage: lines FILE COUNT")
		os.Exit(2)
	}
	count, err := strconv.Atoi(os.Args[2])
	if err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	fmt.Println("waiting")
	for {
		if _, err := os.Stat(os.Args[1]); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	rest := strings.Repeat(".", 100-len("00000000 \n")) + "\n"
	out := bufio.NewWriterSize(os.Stdout, 4096)
	for i := range count {
		fmt.Fprintf(out, "%08d %s", i, rest)
	}
	if err := out.Flush(); err != nil {
		os.Exit(1)
	}
}
