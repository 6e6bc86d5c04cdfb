// Program hello prints what it was given: its arguments and its environment, in order.
package main

import (
	"fmt"
	"os"
	"slices"
)

func main() {
	fmt.Println("hello from stdout!")
	fmt.Fprintln(os.Stderr, "hello from stderr!")
	environment := os.Environ()
	slices.Sort(environment)
	for _, pair := range environment {
		fmt.Println(pair)
	}
	fmt.Printf("Args are: %q\n", os.Args[1:])
}
