// Program web is a server and a client, of HTTP, TCP and UDP:
//
//	web serve ADDRESS           answers each request with its path and its sender
//	web get COUNT URL           asks so many times, and prints the last answer
//	web echo tcp|udp ADDRESS    gives back what it is sent
//	web say tcp|udp ADDRESS TEXT
//	                            sends one text, and prints the answer
//	web lookup NAME             prints the addresses of a name
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// Nobody that a test asks takes as long.
const patience = time.Minute

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "web:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "serve":
		return serve(args[1])
	case len(args) == 3 && args[0] == "get":
		count, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		return get(count, args[2])
	case len(args) == 3 && args[0] == "echo" && args[1] == "tcp":
		return echoStreams(args[2])
	case len(args) == 3 && args[0] == "echo" && args[1] == "udp":
		return echoPackets(args[2])
	case len(args) == 4 && args[0] == "say":
		return say(args[1], args[2], args[3])
	case len(args) == 2 && args[0] == "lookup":
		addresses, err := net.LookupHost(args[1])
		if err == nil {
			fmt.Println(strings.Join(addresses, " "))
		}
		return err
	}
	return fmt.Errorf("cannot understand %q", args)
}

func serve(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Println("serving", listener.Addr())
	return http.Serve(listener, http.HandlerFunc(
		func(response http.ResponseWriter, request *http.Request) {
			fmt.Fprintf(response, "%s for %s\n", request.URL.Path, request.RemoteAddr)
		},
	))
}

func get(count int, url string) error {
	client := &http.Client{Timeout: patience}
	var last []byte
	for range count {
		response, err := client.Get(url)
		if err != nil {
			return err
		}
		last, err = io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			return err
		}
	}
	fmt.Printf("%s", last)
	return nil
}

func echoStreams(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Println("serving", listener.Addr())
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer connection.Close()
			io.Copy(connection, connection)
		}()
	}
}

func echoPackets(address string) error {
	socket, err := net.ListenPacket("udp", address)
	if err != nil {
		return err
	}
	fmt.Println("serving", socket.LocalAddr())
	bytes := make([]byte, 64*1024)
	for {
		count, sender, err := socket.ReadFrom(bytes)
		if err != nil {
			return err
		}
		if _, err := socket.WriteTo(bytes[:count], sender); err != nil {
			return err
		}
	}
}

func say(protocol, address, text string) error {
	connection, err := net.DialTimeout(protocol, address, patience)
	if err != nil {
		return err
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(connection, text); err != nil {
		return err
	}
	answer := make([]byte, len(text))
	if _, err := io.ReadFull(connection, answer); err != nil {
		return err
	}
	fmt.Printf("%s from %s\n", answer, connection.RemoteAddr())
	return nil
}
