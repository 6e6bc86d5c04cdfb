// Package sctp stands for one that cannot be built for WASI, which has no such sockets: agnhost is
// told so whenever it wants one.
package sctp

import (
	"errors"
	"net"
)

var errNoSCTP = errors.New("WASI has no SCTP")

// SCTPAddr is an address that nobody has.
type SCTPAddr struct{}

func (*SCTPAddr) Network() string { return "sctp" }
func (*SCTPAddr) String() string  { return "nowhere" }

// SCTPConn is a connection that nobody can make.
type SCTPConn struct{ net.Conn }

// SCTPRemoteAddr fails.
func (*SCTPConn) SCTPRemoteAddr(int) (*SCTPAddr, error) { return nil, errNoSCTP }

// ResolveSCTPAddr fails.
func ResolveSCTPAddr(string, string) (*SCTPAddr, error) { return nil, errNoSCTP }

// DialSCTP fails.
func DialSCTP(string, *SCTPAddr, *SCTPAddr) (*SCTPConn, error) { return nil, errNoSCTP }

// SCTPListener is a listener that nobody can have.
type SCTPListener struct{ net.Listener }

// AcceptSCTP fails.
func (*SCTPListener) AcceptSCTP() (*SCTPConn, error) { return nil, errNoSCTP }

// ListenSCTP fails.
func ListenSCTP(string, *SCTPAddr) (*SCTPListener, error) { return nil, errNoSCTP }
