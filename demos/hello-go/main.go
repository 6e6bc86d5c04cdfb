// Program hello greets, and tells what its Pod gave it.
package main

import (
	"fmt"
	"os"
	"strings"
)

func main() {
	fmt.Println("Hello from Go!")
	fmt.Printf("My Pod is %s/%s\n", os.Getenv("NAMESPACE"), os.Getenv("POD"))
	fmt.Println("My arguments are:", strings.Join(os.Args[1:], " "))
}
