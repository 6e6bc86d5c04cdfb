// Program load asks a server as fast as it answers, or holds connections that say nothing:
//
//	load ask ADDRESS CONNECTIONS SECONDS    requests, one after the other on each connection
//	load hold ADDRESS CONNECTIONS           holds them until its input ends; asks once on each
//
// It prints its result as JSON.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Nobody who is well takes as long.
const patience = time.Minute

// How many connections are opened at once: more than a server's queue takes would be refused.
const openAtOnce = 64

type result struct {
	Requests  int     `json:"requests"`
	Errors    int     `json:"errors"`
	PerSecond float64 `json:"perSecond"`
	P50Us     float64 `json:"p50Us"`
	P99Us     float64 `json:"p99Us"`
}

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: load ask ADDRESS CONNECTIONS SECONDS | hold ADDRESS CONNECTIONS")
		os.Exit(2)
	}
	address := os.Args[2]
	connections, err := strconv.Atoi(os.Args[3])
	if err == nil && os.Args[1] == "hold" {
		err = hold(address, connections)
	} else if err == nil {
		var seconds float64
		if seconds, err = strconv.ParseFloat(os.Args[4], 64); err == nil {
			err = ask(address, connections, time.Duration(seconds*float64(time.Second)))
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func ask(address string, connections int, duration time.Duration) error {
	var all sync.WaitGroup
	times := make([][]time.Duration, connections)
	errors := make([]int, connections)
	began := time.Now()
	end := began.Add(duration)
	for i := range connections {
		all.Go(func() { times[i], errors[i] = askUntil(address, end) })
	}
	all.Wait()
	took := time.Since(began)
	sorted := slices.Sorted(func(yield func(time.Duration) bool) {
		for _, some := range times {
			for _, one := range some {
				if !yield(one) {
					return
				}
			}
		}
	})
	if len(sorted) == 0 {
		return fmt.Errorf("nobody at %s has answered", address)
	}
	failed := 0
	for _, count := range errors {
		failed += count
	}
	return tell(result{
		Requests: len(sorted), Errors: failed,
		PerSecond: float64(len(sorted)) / took.Seconds(),
		P50Us:     microseconds(sorted[len(sorted)/2]),
		P99Us:     microseconds(sorted[len(sorted)*99/100]),
	})
}

func askUntil(address string, end time.Time) (times []time.Duration, errors int) {
	for time.Now().Before(end) {
		connection, err := open(address)
		if err != nil {
			errors++
			time.Sleep(10 * time.Millisecond)
			continue
		}
		for time.Now().Before(end) {
			began := time.Now()
			if err := connection.ask(); err != nil {
				errors++
				break
			}
			times = append(times, time.Since(began))
		}
		connection.Close()
	}
	return times, errors
}

// hold tells how many connections stand, and when its input has ended how many of them still answer.
func hold(address string, count int) error {
	var lock sync.Mutex
	var held []*connection
	errors := 0
	each(count, func(int) {
		one, err := open(address)
		lock.Lock()
		defer lock.Unlock()
		if err != nil {
			errors++
			return
		}
		held = append(held, one)
	})
	if err := tell(result{Requests: len(held), Errors: errors}); err != nil {
		return err
	}
	io.Copy(io.Discard, os.Stdin)
	answered := 0
	began := time.Now()
	each(len(held), func(i int) {
		err := held[i].ask()
		lock.Lock()
		defer lock.Unlock()
		if err == nil {
			answered++
		}
	})
	seconds := time.Since(began).Seconds()
	return tell(result{
		Requests: answered, Errors: len(held) - answered, PerSecond: float64(answered) / seconds,
	})
}

// each does something with every number below count, a few at once.
func each(count int, do func(i int)) {
	var all sync.WaitGroup
	next := make(chan int)
	for range openAtOnce {
		all.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range count {
		next <- i
	}
	close(next)
	all.Wait()
}

type connection struct {
	net.Conn
	reader  *bufio.Reader
	request []byte
}

func open(address string) (*connection, error) {
	raw, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return nil, err
	}
	request := fmt.Sprintf("GET / HTTP/1.1\r\nHost: %s\r\n\r\n", address)
	return &connection{raw, bufio.NewReader(raw), []byte(request)}, nil
}

func (c *connection) ask() error {
	c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write(c.request); err != nil {
		return err
	}
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	response.Body.Close()
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("answered %s", response.Status)
	}
	return err
}

func tell(what result) error {
	return json.NewEncoder(os.Stdout).Encode(what)
}

func microseconds(duration time.Duration) float64 {
	return float64(duration.Nanoseconds()) / 1000
}
