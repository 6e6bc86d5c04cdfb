package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"time"
)

// certificateLife is longer than any test and shorter than anything worth stealing.
const certificateLife = 7 * 24 * time.Hour

// wrapTLS serves TLS for the loopback names and writes the authority that clients must trust.
//
// Authority and server have a certificate each: some clients refuse an authority as a server.
func wrapTLS(inner net.Listener, caPath string) (net.Listener, error) {
	root, rootKey, err := newRoot("krustlet test registry authority")
	if err != nil {
		return nil, err
	}
	if err := writeCertificate(caPath, root); err != nil {
		return nil, err
	}
	parent, err := x509.ParseCertificate(root)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	leaf := template("krustlet test registry")
	leaf.KeyUsage = x509.KeyUsageDigitalSignature
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	leaf.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	leaf.DNSNames = []string{"localhost"}
	der, err := x509.CreateCertificate(rand.Reader, leaf, parent, key.Public(), rootKey)
	if err != nil {
		return nil, err
	}
	return tls.NewListener(inner, &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
	}), nil
}

// newRoot makes an authority, which is also fit to sign tokens.
func newRoot(name string) ([]byte, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	root := template(name)
	root.IsCA = true
	root.BasicConstraintsValid = true
	root.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	return der, key, err
}

func template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Minute),
		NotAfter:     time.Now().Add(certificateLife),
	}
}

func writeCertificate(path string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
}
