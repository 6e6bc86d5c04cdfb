// Program hello is a server of one page, on net/http:
//
//	hello ADDRESS     listens there
//	hello listener    serves on the listener that is descriptor 3
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

func main() {
	listener, err := listen(os.Args[1])
	if err == nil {
		fmt.Println("serving")
		err = http.Serve(listener, http.HandlerFunc(
			func(response http.ResponseWriter, _ *http.Request) { io.WriteString(response, "hello\n") },
		))
	}
	fmt.Fprintln(os.Stderr, "hello:", err)
	os.Exit(1)
}

func listen(place string) (net.Listener, error) {
	if place == "listener" {
		return net.FileListener(os.NewFile(3, place))
	}
	return net.Listen("tcp", place)
}
