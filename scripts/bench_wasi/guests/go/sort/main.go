// Sorts numbers with the generic and with the older interface of the standard library.
package main

import (
	"fmt"
	"os"
	"slices"
	"sort"
	"strconv"
)

func main() {
	length := 1_000_000
	if len(os.Args) > 1 {
		length, _ = strconv.Atoi(os.Args[1])
	}
	numbers := make([]int, length)
	seed := uint32(1)
	for i := range numbers {
		seed ^= seed << 13
		seed ^= seed >> 17
		seed ^= seed << 5
		numbers[i] = int(seed)
	}
	others := slices.Clone(numbers)
	slices.Sort(numbers)
	sort.Sort(sort.Reverse(sort.IntSlice(others)))
	fmt.Println(numbers[length/2], others[length/3])
}
