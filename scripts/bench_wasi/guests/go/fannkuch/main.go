// Flips all permutations of N numbers: integer loops over small slices.
package main

import (
	"fmt"
	"os"
	"strconv"
)

func fannkuch(n int) (checksum, most int) {
	first := make([]int, n)
	count := make([]int, n)
	now := make([]int, n)
	for i := range first {
		first[i] = i
	}
	sign := 1
	for r := n; ; {
		for ; r != 1; r-- {
			count[r-1] = r
		}
		copy(now, first)
		flips := 0
		for k := now[0]; k != 0; k = now[0] {
			for i, j := 0, k; i < j; i, j = i+1, j-1 {
				now[i], now[j] = now[j], now[i]
			}
			flips++
		}
		most = max(most, flips)
		checksum += sign * flips
		sign = -sign
		for {
			if r == n {
				return checksum, most
			}
			head := first[0]
			copy(first[:r], first[1:r+1])
			first[r] = head
			count[r]--
			if count[r] > 0 {
				break
			}
			r++
		}
	}
}

func main() {
	n := 10
	if len(os.Args) > 1 {
		n, _ = strconv.Atoi(os.Args[1])
	}
	checksum, most := fannkuch(n)
	fmt.Println(checksum, most)
}
