package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// Exit codes of curl.
const (
	curlConnect = 7
	curlStatus  = 22
	curlTimeout = 28
)

// request is what curl and wget are asked to do.
type request struct {
	method, url, data      string
	headers                http.Header
	connect, total         time.Duration
	insecure, follow       bool
	quiet, include, strict bool
	output, format         string
}

// send answers the response; nobody waits longer than the request says.
func (r *request) send(ctx context.Context) (*http.Response, context.CancelFunc, error) {
	cancel := func() {}
	if r.total > 0 {
		ctx, cancel = context.WithTimeout(ctx, r.total)
	}
	if !strings.Contains(r.url, "://") {
		r.url = "http://" + r.url
	}
	var body io.Reader
	if r.data != "" {
		body = strings.NewReader(r.data)
		if r.method == "" {
			r.method = http.MethodPost
		}
		if r.headers.Get("Content-Type") == "" {
			r.headers.Set("Content-Type", "application/x-www-form-urlencoded")
		}
	}
	sent, err := http.NewRequestWithContext(ctx, r.method, r.url, body)
	if err != nil {
		return nil, cancel, err
	}
	sent.Header = r.headers
	if host := r.headers.Get("Host"); host != "" {
		sent.Host = host
	}
	client := &http.Client{Transport: &http.Transport{
		DialContext:       (&net.Dialer{Timeout: r.connect}).DialContext,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: r.insecure},
		DisableKeepAlives: true,
	}}
	if !r.follow {
		client.CheckRedirect = func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}
	}
	response, err := client.Do(sent)
	return response, cancel, err
}

// curl knows the options that the suite's scripts use.
func curl(c *call) int {
	r, err := readCurl(c.args)
	if err != nil {
		c.fail(err)
		return usageError
	}
	response, cancel, err := r.send(c.ctx)
	defer cancel()
	if err != nil {
		if r.format != "" {
			fmt.Fprint(c.stdout, strings.ReplaceAll(r.format, "%{http_code}", "000"))
		}
		if !r.quiet {
			c.fail(err)
		}
		return codeOf(err)
	}
	defer response.Body.Close()
	if r.strict && response.StatusCode >= http.StatusBadRequest {
		return curlStatus
	}
	out, err := c.output(r.output)
	if err != nil {
		return c.fail(err)
	}
	defer out.Close()
	if r.include {
		fmt.Fprintf(out, "%s %s\r\n", response.Proto, response.Status)
		response.Header.Write(out)
		fmt.Fprint(out, "\r\n")
	}
	if _, err := io.Copy(out, response.Body); err != nil {
		return codeOf(err)
	}
	code := fmt.Sprint(response.StatusCode)
	fmt.Fprint(c.stdout, strings.NewReplacer("%{http_code}", code, `\n`, "\n").Replace(r.format))
	return 0
}

func readCurl(args []string) (*request, error) {
	r := &request{headers: http.Header{}, connect: time.Minute}
	for name, value := range options(args, "moXdHw", "max-time connect-timeout output request data header write-out") {
		switch name {
		case "":
			r.url = value
		case "m", "max-time":
			r.total = secondsOf(value)
		case "connect-timeout":
			r.connect = secondsOf(value)
		case "o", "output":
			r.output = value
		case "X", "request":
			r.method = value
		case "d", "data":
			r.data = value
		case "H", "header":
			key, text, _ := strings.Cut(value, ":")
			r.headers.Set(key, strings.TrimSpace(text))
		case "w", "write-out":
			r.format = value
		case "k", "insecure":
			r.insecure = true
		case "L", "location":
			r.follow = true
		case "s", "silent":
			r.quiet = true
		case "i", "include":
			r.include = true
		case "f", "fail":
			r.strict = true
		}
	}
	if r.url == "" {
		return nil, errors.New("wants a URL")
	}
	return r, nil
}

// wget knows -O, -q, -T, --post-data and --no-check-certificate.
func wget(c *call) int {
	r := &request{headers: http.Header{}, connect: time.Minute, follow: true, strict: true}
	spider := false
	for name, value := range options(c.args, "OTt", "output-document timeout tries post-data header") {
		switch name {
		case "":
			r.url = value
		case "O", "output-document":
			r.output = value
		case "T", "timeout":
			r.connect, r.total = secondsOf(value), secondsOf(value)
		case "post-data":
			r.data = value
		case "no-check-certificate":
			r.insecure = true
		case "spider":
			spider = true
		}
	}
	response, cancel, err := r.send(c.ctx)
	defer cancel()
	if err != nil {
		return c.fail(err)
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusBadRequest {
		return c.fail(errors.New("server returned error: " + response.Status))
	}
	if spider {
		return 0
	}
	if r.output == "" {
		r.output = "index.html"
	}
	out, err := c.output(r.output)
	if err == nil {
		defer out.Close()
		_, err = io.Copy(out, response.Body)
	}
	if err != nil {
		return c.fail(err)
	}
	return 0
}

// output opens a file to be written; "" and "-" are the standard output, /dev/null is nothing.
func (c *call) output(name string) (io.WriteCloser, error) {
	switch name {
	case "", "-":
		return unclosed{c.stdout}, nil
	case "/dev/null":
		return unclosed{io.Discard}, nil
	}
	return os.Create(c.path(name))
}

type unclosed struct{ io.Writer }

func (unclosed) Close() error { return nil }

func codeOf(err error) int {
	if timeout, is := err.(interface{ Timeout() bool }); is && timeout.Timeout() {
		return curlTimeout
	}
	return curlConnect
}

func secondsOf(text string) time.Duration {
	seconds, err := time.ParseDuration(text + "s")
	if err != nil {
		return 0
	}
	return seconds
}
