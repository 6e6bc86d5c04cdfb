// Program sockets speaks HTTP over the sockets of its host:
//
//	sockets serve ADDRESS            answers every request; /stop ends the program
//	sockets serve-listener           the same, on the listener that is descriptor 3
//	sockets get COUNT URL            asks so many times, and prints what it got
//	sockets udp ADDRESS TEXT         sends one datagram, and prints the answer
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "sockets:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "serve":
		listener, err := listen(args[1])
		if err != nil {
			return err
		}
		return serve(listener)
	case len(args) == 1 && args[0] == "serve-listener":
		listener, err := net.FileListener(os.NewFile(3, "listener"))
		if err != nil {
			return err
		}
		return serve(listener)
	case len(args) == 3 && args[0] == "get":
		count, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		return get(count, args[2])
	case len(args) == 3 && args[0] == "udp":
		return ask(args[1], args[2])
	}
	return fmt.Errorf("cannot understand %q", args)
}

func serve(listener net.Listener) error {
	count := 0
	done := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(response http.ResponseWriter, request *http.Request) {
		count++
		fmt.Fprintf(response, "%s of %s\n", request.URL.Path, request.UserAgent())
	})
	mux.HandleFunc("/stop", func(http.ResponseWriter, *http.Request) { close(done) })
	fmt.Println("serving")
	failed := make(chan error)
	go func() { failed <- http.Serve(listener, mux) }()
	select {
	case err := <-failed:
		return err
	case <-done:
		fmt.Println("served", count)
		return nil
	}
}

func get(count int, url string) error {
	client := &http.Client{Transport: &http.Transport{DialContext: dialContext}}
	bytes := 0
	for range count {
		response, err := client.Get(url)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			return err
		}
		bytes += len(body)
	}
	fmt.Println("got", count, "with", bytes, "bytes")
	return nil
}
