// Program beat prints a line each second until it is ended.
package main

import (
	"fmt"
	"time"
)

func main() {
	for {
		fmt.Println("beat")
		time.Sleep(time.Second)
	}
}
