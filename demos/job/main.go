// Program primes counts the prime numbers below its first argument, as a Job does its work and ends.
package main

import (
	"fmt"
	"os"
	"strconv"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: primes LIMIT")
		os.Exit(2)
	}
	limit, err := strconv.Atoi(os.Args[1])
	if err != nil || limit < 2 {
		fmt.Fprintln(os.Stderr, "LIMIT must be a number from 2")
		os.Exit(2)
	}
	composite := make([]bool, limit)
	count := 0
	for n := 2; n < limit; n++ {
		if composite[n] {
			continue
		}
		count++
		for multiple := n * n; multiple < limit; multiple += n {
			composite[multiple] = true
		}
	}
	fmt.Println("There are", count, "prime numbers below", limit)
}
