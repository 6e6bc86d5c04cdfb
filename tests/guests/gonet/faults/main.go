// Program faults is who notices when the network fails. It says what it sees, once until it changes:
//
//	faults talk ADDRESS         says a line again and again on one connection, and dials anew when it is lost
//	faults visit ADDRESS        says one line on a connection of its own, again and again
//	faults lookup NAME          looks a name up, again and again
//	faults hold COUNT ADDRESS   opens so many connections and keeps them; 0 is as many as it can get
//	faults knock ADDRESS        dials where nobody is, again and again and without a pause
//	faults drain ADDRESS        serves HTTP until it may accept no more, and ends behind the last answer
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A line takes as long at most, and so does a dial.
const patience = 5 * time.Second

// Between two of what is done again and again.
const pause = 20 * time.Millisecond

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "talk":
		again(func() error { return talk(args[1], true) })
	case len(args) == 2 && args[0] == "visit":
		again(func() error { return talk(args[1], false) })
	case len(args) == 2 && args[0] == "lookup":
		again(func() error { return lookup(args[1]) })
	case len(args) == 3 && args[0] == "hold":
		count, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		hold(count, args[2])
	case len(args) == 2 && args[0] == "knock":
		for {
			if _, err := net.DialTimeout("tcp", args[1], patience); err != nil {
				say("cannot: " + err.Error())
			}
		}
	case len(args) == 2 && args[0] == "drain":
		return drain(args[1])
	}
	return fmt.Errorf("cannot understand %q", args)
}

var last string

// Prints what is not what was printed last.
func say(what string) {
	if what != last {
		fmt.Println(what)
	}
	last = what
}

func again(do func() error) {
	for ; ; time.Sleep(pause) {
		if err := do(); err != nil {
			say("cannot: " + err.Error())
		}
	}
}

func talk(address string, on bool) error {
	connection, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return err
	}
	defer connection.Close()
	lines := bufio.NewReader(connection)
	for {
		connection.SetDeadline(time.Now().Add(patience))
		if _, err := io.WriteString(connection, "well\n"); err != nil {
			return err
		}
		line, err := lines.ReadString('\n')
		if err != nil {
			return err
		}
		say("heard: " + strings.TrimSpace(line))
		if !on {
			return nil
		}
		time.Sleep(pause)
	}
}

func lookup(name string) error {
	addresses, err := net.LookupHost(name)
	if missing := (*net.DNSError)(nil); errors.As(err, &missing) && missing.IsNotFound {
		return errors.New("no such name")
	}
	if err != nil {
		return errors.New("nobody tells")
	}
	slices.Sort(addresses)
	say("found: " + strings.Join(addresses, " "))
	return nil
}

func hold(count int, address string) {
	var held []net.Conn
	for count == 0 || len(held) < count {
		connection, err := net.DialTimeout("tcp", address, patience)
		if err != nil {
			say(fmt.Sprintf("cannot with %d held: %s", len(held), err))
			time.Sleep(pause)
			continue
		}
		held = append(held, connection)
	}
	say(fmt.Sprintf("holds %d", len(held)))
	for range time.Tick(time.Hour) {
		// What is held must not be collected: that would close it.
		say(fmt.Sprintf("holds %d", len(held)))
	}
}

func drain(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: http.HandlerFunc(answer)}
	fmt.Println("serving", listener.Addr())
	if err := server.Serve(listener); errors.Is(err, http.ErrServerClosed) {
		return err
	}
	fmt.Println("draining")
	if err := server.Shutdown(context.Background()); err != nil {
		return err
	}
	fmt.Println("drained")
	return nil
}

// Takes as long as whoever asks takes for their words.
func answer(response http.ResponseWriter, request *http.Request) {
	if request.Method == http.MethodPost {
		fmt.Println("asked")
	}
	words, err := io.ReadAll(request.Body)
	if err != nil {
		fmt.Println("cannot: ", err)
		return
	}
	fmt.Fprintf(response, "%s for %s\n", words, request.URL.Path)
}
