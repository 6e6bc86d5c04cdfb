// Program registry is the reference OCI registry with what the tests vary as flags.
//
//	registry -storage DIR [-listen 127.0.0.1:0] [-cert FILE -key FILE]
//	         [-auth none|basic|token] [-user U -password P] [-requests FILE]
//
// When it listens it prints one line of JSON on stdout, `{"address": "127.0.0.1:4321"}`. With `-auth
// token` it is its own token server under /token; then repositories whose name begins with "public/"
// can be pulled without credentials, by an anonymous token. With `-requests` each request is a line
// `GET /v2/hello/manifests/v1` of that file, before it is answered.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"
	_ "github.com/distribution/distribution/v3/registry/auth/token"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
)

// options are the flags.
type options struct {
	storage, listen, cert, key, auth, user, password, requests string
}

func main() {
	var o options
	flag.StringVar(&o.storage, "storage", "", "folder of the registry's data, created if it is missing")
	flag.StringVar(&o.listen, "listen", "127.0.0.1:0", "address to listen on; port 0 takes a free one")
	flag.StringVar(&o.cert, "cert", "", "certificate file; with it, HTTPS is served")
	flag.StringVar(&o.key, "key", "", "the certificate's key file")
	flag.StringVar(&o.auth, "auth", "none", "none, basic or token")
	flag.StringVar(&o.user, "user", "", "the one user's name, for basic and token")
	flag.StringVar(&o.password, "password", "", "the one user's password, for basic and token")
	flag.StringVar(&o.requests, "requests", "", "file that tells of each request")
	flag.Parse()
	if err := serve(o); err != nil {
		fmt.Fprintln(os.Stderr, "registry:", err)
		os.Exit(1)
	}
}

func serve(o options) error {
	if o.storage == "" || flag.NArg() > 0 {
		return errors.New("-storage DIR is needed and nothing but flags is taken")
	}
	if err := os.MkdirAll(o.storage, 0o700); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	scheme := "http"
	if o.cert != "" {
		scheme = "https"
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	handler, err := newHandler(ctx, o, scheme+"://"+listener.Addr().String())
	if err != nil {
		return err
	}
	if o.requests != "" {
		handler, err = told(handler, o.requests)
		if err != nil {
			return err
		}
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"address": listener.Addr().String()}); err != nil {
		return err
	}
	listen := func() error { return server.Serve(listener) }
	if o.cert != "" {
		listen = func() error { return server.ServeTLS(listener, o.cert, o.key) }
	}
	if err := listen(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func newHandler(ctx context.Context, o options, origin string) (http.Handler, error) {
	config := &configuration.Configuration{
		Version: configuration.CurrentVersion,
		Storage: configuration.Storage{
			"filesystem": configuration.Parameters{"rootdirectory": o.storage},
			"delete":     configuration.Parameters{"enabled": true},
		},
	}
	config.Log.Level = "warn"
	mux := http.NewServeMux()
	switch o.auth {
	case "none":
	case "basic":
		parameters, err := basicAuth(o)
		if err != nil {
			return nil, err
		}
		config.Auth = configuration.Auth{"htpasswd": parameters}
	case "token":
		issuer, err := newIssuer(o, origin)
		if err != nil {
			return nil, err
		}
		config.Auth = configuration.Auth{"token": issuer.parameters}
		mux.Handle("GET /token", issuer)
	default:
		return nil, fmt.Errorf("unknown -auth %q: none, basic or token", o.auth)
	}
	mux.Handle("/", handlers.NewApp(ctx, config))
	return mux, nil
}

// told writes a line for each request. One write of a file that is open for appending is never mixed
// with another.
func told(handler http.Handler, path string) (http.Handler, error) {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := file.WriteString(r.Method + " " + r.URL.Path + "\n"); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		handler.ServeHTTP(w, r)
	}), nil
}
