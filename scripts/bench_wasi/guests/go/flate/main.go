// Compresses and unpacks text in memory.
package main

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"os"
	"strconv"
)

func main() {
	rounds := 10
	if len(os.Args) > 1 {
		rounds, _ = strconv.Atoi(os.Args[1])
	}
	var text bytes.Buffer
	for i := range 20_000 {
		fmt.Fprintf(&text, "line %d of a text that repeats itself, as %d does\n", i, i*i%997)
	}
	total := 0
	for range rounds {
		var packed bytes.Buffer
		writer, err := flate.NewWriter(&packed, flate.DefaultCompression)
		if err != nil {
			panic(err)
		}
		if _, err := writer.Write(text.Bytes()); err != nil {
			panic(err)
		}
		if err := writer.Close(); err != nil {
			panic(err)
		}
		total += packed.Len()
		unpacked, err := io.Copy(io.Discard, flate.NewReader(&packed))
		if err != nil {
			panic(err)
		}
		total += int(unpacked)
	}
	fmt.Println(total)
}
