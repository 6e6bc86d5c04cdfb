// Program health is a server of the gRPC health checking protocol:
//
//	health ADDRESS [SERVICE=STATUS ...]
//	                            tells of each service what it is told, as web=SERVING or
//	                            batch=NOT_SERVING; as a whole it serves
package main

import (
	"fmt"
	"net"
	"os"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "health:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("cannot understand %q", args)
	}
	services := health.NewServer()
	for _, arg := range args[1:] {
		service, text, _ := strings.Cut(arg, "=")
		status, known := grpc_health_v1.HealthCheckResponse_ServingStatus_value[text]
		if !known {
			return fmt.Errorf("cannot understand %q", args)
		}
		services.SetServingStatus(service, grpc_health_v1.HealthCheckResponse_ServingStatus(status))
	}
	listener, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(server, services)
	fmt.Println("serving", listener.Addr())
	return server.Serve(listener)
}
