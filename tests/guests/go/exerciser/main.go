// Program exerciser does what its arguments say, one command each, and so tests what a pod can see
// and touch. Without arguments it takes them from EXERCISER_RUN_SCRIPT, split at spaces.
//
//	assert_exists(SOURCE)              assert_not_exists(SOURCE)
//	assert_value(var:X)is(VALUE)       read(SOURCE)to(var:X)
//	write(VALUE)to(TARGET)             sleep(MILLISECONDS)
//
// SOURCE is file:/PATH or env:NAME, VALUE is lit:TEXT, var:X or a SOURCE, and TARGET is file:/PATH,
// stm:stdout or stm:stderr. The first command that fails ends the program with exit code 1.
package main

import (
	"fmt"
	"os"
	"strings"
)

func main() {
	fmt.Println("INF: Let's exercise!")
	script := os.Args[1:]
	if len(script) == 0 {
		script = strings.Fields(os.Getenv("EXERCISER_RUN_SCRIPT"))
	}
	variables := map[string]string{}
	for _, line := range script {
		if err := runLine(line, variables); err != nil {
			fmt.Printf("ERR: Failed with %v\n", err)
			fmt.Fprintf(os.Stderr, "ERR: %v\n", err)
			os.Exit(1)
		}
	}
	fmt.Println("INF: That's enough exercise for now; see you next test!")
}
