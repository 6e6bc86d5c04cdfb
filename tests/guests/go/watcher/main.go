// Program watcher reads files of a volume again and again until they say what it waits for, and fails if
// it ever sees half of a change.
//
//	watcher FOLDER END FILE...
//
// Each look follows FOLDER/..data once and reads all files there, which must say the same; and each
// file under its own name, which must be there. It ends well when all say END.
package main

import (
	"fmt"
	"os"
	"path"
	"time"
)

func main() {
	if len(os.Args) < 4 {
		fmt.Println("usage: watcher FOLDER END FILE...")
		os.Exit(2)
	}
	folder, end, files := os.Args[1], os.Args[2], os.Args[3:]
	fmt.Println("watching")
	seen, looks := "", 0
	for seen != end {
		value, err := look(folder, files)
		if err != nil {
			fmt.Printf("half a change after %d looks, behind %q: %v\n", looks, seen, err)
			os.Exit(1)
		}
		if value != seen {
			fmt.Printf("now %s\n", value)
		}
		seen = value
		looks++
		time.Sleep(time.Millisecond)
	}
	fmt.Println("whole at every look")
}

func look(folder string, files []string) (string, error) {
	generation, err := os.Readlink(path.Join(folder, "..data"))
	if err != nil {
		return "", err
	}
	value := ""
	for i, file := range files {
		bytes, err := os.ReadFile(path.Join(folder, generation, file))
		if err != nil {
			return "", err
		}
		if i > 0 && string(bytes) != value {
			return "", fmt.Errorf("%s says %q beside %q", file, bytes, value)
		}
		value = string(bytes)
		if _, err := os.ReadFile(path.Join(folder, file)); err != nil {
			return "", err
		}
	}
	return value, nil
}
