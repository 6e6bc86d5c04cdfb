// Program crash ends badly twice, and well the third time: it counts its runs in a volume.
package main

import (
	"fmt"
	"os"
	"strconv"
)

const counter = "/count/runs"

func main() {
	text, _ := os.ReadFile(counter)
	runs, _ := strconv.Atoi(string(text))
	runs++
	if err := os.WriteFile(counter, []byte(strconv.Itoa(runs)), 0o644); err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	if runs < 3 {
		fmt.Printf("Run %d fails\n", runs)
		os.Exit(1)
	}
	fmt.Printf("Run %d is fine\n", runs)
}
