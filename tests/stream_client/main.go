// Program stream_client runs commands and forwards ports with the packages that kubectl is made of.
//
//	stream_client exec [flags] URL      its own stdin, stdout, stderr and exit code are the command's
//	stream_client forward [flags] URL   prints the local port, and ends with its stdin
//
// An error that is not an exit code is printed after "error: ", and the exit code is 250.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/client-go/util/exec"
)

// failed is an exit code that no tested command ends with.
const failed = 250

var (
	authority = flag.String("ca", "", "file with the authority of the server")
	transport = flag.String("transport", "spdy", "spdy or websocket")
	protocols = flag.String("protocols", "", "sub-protocols of exec, instead of the newest ones")
	stdin     = flag.Bool("stdin", false, "pass stdin on")
	stderr    = flag.Bool("stderr", true, "ask for stderr")
	sizes     = flag.String("sizes", "", "ask for a terminal, with these sizes one after the other: 80x24,100x30")
	sessions  = flag.Int("sessions", 0, "run so many at once, each with input of its own that must come back")
	port      = flag.Int("port", 80, "remote port")
)

func main() {
	if len(os.Args) < 2 {
		fatal(errors.New("usage: stream_client exec|forward [flags] URL"))
	}
	if err := flag.CommandLine.Parse(os.Args[2:]); err != nil {
		fatal(err)
	}
	target, err := url.Parse(flag.Arg(0))
	if err != nil {
		fatal(err)
	}
	config := &rest.Config{Host: target.Scheme + "://" + target.Host, TLSClientConfig: rest.TLSClientConfig{CAFile: *authority}}
	switch {
	case os.Args[1] == "exec" && *sessions > 0:
		err = runMany(config, target)
	case os.Args[1] == "exec":
		err = runOne(config, target)
	case os.Args[1] == "forward":
		err = forward(config, target)
	default:
		err = fmt.Errorf("unknown command %q", os.Args[1])
	}
	var exit exec.CodeExitError
	if errors.As(err, &exit) {
		os.Exit(exit.Code)
	}
	if err != nil {
		fatal(err)
	}
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, "error:", err)
	os.Exit(failed)
}

func newExecutor(config *rest.Config, target *url.URL) (remotecommand.Executor, error) {
	var wanted []string
	if *protocols != "" {
		wanted = strings.Split(*protocols, ",")
	}
	if *transport == "websocket" {
		if wanted == nil {
			return remotecommand.NewWebSocketExecutor(config, http.MethodGet, target.String())
		}
		return remotecommand.NewWebSocketExecutorForProtocols(config, http.MethodGet, target.String(), wanted...)
	}
	if wanted == nil {
		return remotecommand.NewSPDYExecutor(config, http.MethodPost, target)
	}
	roundTripper, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		return nil, err
	}
	return remotecommand.NewSPDYExecutorForProtocols(roundTripper, upgrader, http.MethodPost, target, wanted...)
}

func runOne(config *rest.Config, target *url.URL) error {
	executor, err := newExecutor(config, target)
	if err != nil {
		return err
	}
	options := remotecommand.StreamOptions{Stdout: os.Stdout}
	if *stderr {
		options.Stderr = os.Stderr
	}
	if *stdin {
		options.Stdin = os.Stdin
	}
	if *sizes != "" {
		options.Tty = true
		options.Stderr = nil
		options.TerminalSizeQueue = newSizeQueue(*sizes)
	}
	return executor.StreamWithContext(context.Background(), options)
}

// sizeQueue gives each size some time before the next one: only the newest one matters to a server.
type sizeQueue struct{ sizes []string }

func newSizeQueue(sizes string) *sizeQueue { return &sizeQueue{strings.Split(sizes, ",")} }

func (q *sizeQueue) Next() *remotecommand.TerminalSize {
	if len(q.sizes) == 0 {
		return nil
	}
	size := remotecommand.TerminalSize{}
	if _, err := fmt.Sscanf(q.sizes[0], "%dx%d", &size.Width, &size.Height); err != nil {
		fatal(err)
	}
	q.sizes = q.sizes[1:]
	time.Sleep(300 * time.Millisecond)
	return &size
}

// runMany fails if one of the sessions does not get its own input back.
func runMany(config *rest.Config, target *url.URL) error {
	var group sync.WaitGroup
	problems := make(chan error, *sessions)
	for session := range *sessions {
		group.Go(func() {
			executor, err := newExecutor(config, target)
			if err != nil {
				problems <- err
				return
			}
			input := strings.Repeat(fmt.Sprintf("session %d\n", session), 10_000)
			var output bytes.Buffer
			err = executor.StreamWithContext(context.Background(), remotecommand.StreamOptions{
				Stdin: strings.NewReader(input), Stdout: &output,
			})
			if err != nil {
				problems <- fmt.Errorf("session %d: %w", session, err)
			} else if output.String() != input {
				problems <- fmt.Errorf("session %d: %d bytes came back of %d", session, output.Len(), len(input))
			}
		})
	}
	group.Wait()
	close(problems)
	return <-problems
}

func forward(config *rest.Config, target *url.URL) error {
	dialer, err := newDialer(config, target)
	if err != nil {
		return err
	}
	stop, ready := make(chan struct{}), make(chan struct{})
	forwarder, err := portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, []string{fmt.Sprintf("0:%d", *port)}, stop, ready, io.Discard, os.Stderr)
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(stop)
	}()
	go func() {
		<-ready
		ports, err := forwarder.GetPorts()
		if err != nil {
			fatal(err)
		}
		fmt.Println(ports[0].Local)
	}()
	return forwarder.ForwardPorts()
}
