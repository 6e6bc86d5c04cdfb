package main

import (
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// nc sends its input and prints what comes; -u, -z, and -w SECONDS of silence end it.
func nc(c *call) int {
	protocol, patience, look := "tcp", 10*time.Second, false
	var place []string
	for name, value := range options(c.args, "wqi", "") {
		switch name {
		case "":
			place = append(place, value)
		case "u":
			protocol = "udp"
		case "w":
			patience = secondsOf(value)
		case "z":
			look = true
		}
	}
	if len(place) != 2 {
		return c.fail(errors.New("wants a host and a port"))
	}
	connection, err := net.DialTimeout(protocol, net.JoinHostPort(place[0], place[1]), patience)
	if err != nil {
		return c.fail(err)
	}
	defer connection.Close()
	if look {
		return 0
	}
	go io.Copy(connection, c.stdin)
	bytes := make([]byte, 64*1024)
	for {
		connection.SetReadDeadline(time.Now().Add(patience))
		count, err := connection.Read(bytes)
		c.stdout.Write(bytes[:count])
		if err == io.EOF || errors.Is(err, os.ErrDeadlineExceeded) {
			return 0
		}
		if err != nil {
			return c.fail(err)
		}
	}
}
