// Program hello is a server of one page, on net/http:
//
//	hello ADDRESS              listens there
//	hello listener [ADDRESS]   serves on the listener that is descriptor 3
//
// It says that it serves, and at which address it was told to.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
)

func main() {
	listener, err := listen(os.Args[1])
	if err == nil {
		fmt.Println("serving", os.Args[len(os.Args)-1])
		err = http.Serve(listener, http.HandlerFunc(
			func(response http.ResponseWriter, _ *http.Request) { io.WriteString(response, "hello\n") },
		))
	}
	fmt.Fprintln(os.Stderr, "hello:", err)
	os.Exit(1)
}

func listen(place string) (net.Listener, error) {
	if place != "listener" {
		return net.Listen("tcp", place)
	}
	// Go polls only what it finds so, and not every host hands it over so.
	if err := syscall.SetNonblock(3, true); err != nil {
		return nil, err
	}
	return net.FileListener(os.NewFile(3, place))
}
