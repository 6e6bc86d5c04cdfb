// Program config prints what it finds in its folders and in its environment.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Println("GREETING is", os.Getenv("GREETING"))
	for _, file := range []string{"/config/colour", "/config/shape", "/secret/password"} {
		text, err := os.ReadFile(file)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Printf("%s is %s\n", file, text)
	}
	if err := os.WriteFile("/config/colour", []byte("red"), 0o644); err == nil {
		fmt.Println("/config could be written to, but should be read-only")
		os.Exit(1)
	}
	fmt.Println("/config is read-only")
}
