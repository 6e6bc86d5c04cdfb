package main

import (
	"net/http"
	"net/url"

	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
)

// newDialer dials as kubectl does: plain SPDY, or SPDY through a WebSocket.
func newDialer(config *rest.Config, target *url.URL) (httpstream.Dialer, error) {
	if *transport == "websocket" {
		return portforward.NewSPDYOverWebsocketDialer(target, config)
	}
	roundTripper, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		return nil, err
	}
	return spdy.NewDialer(upgrader, &http.Client{Transport: roundTripper}, http.MethodPost, target), nil
}
