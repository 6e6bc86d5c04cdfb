package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// certificateLife is longer than any test and shorter than anything worth stealing.
const certificateLife = 7 * 24 * time.Hour

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// subject is whom a certificate names and where it may be used.
type subject struct {
	name         string
	organization string
	usage        x509.ExtKeyUsage
	hosts        []string
}

// clusterSubjects are the files that a cluster needs, each `<file>.crt` and `<file>.key`, with the
// names that Kubernetes' own role bindings expect.
var clusterSubjects = map[string]subject{
	"apiserver": {name: "kube-apiserver", usage: x509.ExtKeyUsageServerAuth, hosts: []string{
		"127.0.0.1", "::1", "10.96.0.1", "localhost", "kubernetes", "kubernetes.default",
		"kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
	}},
	"apiserver-kubelet-client": {name: "kube-apiserver-kubelet-client", organization: "system:masters", usage: x509.ExtKeyUsageClientAuth},
	"controller-manager":       {name: "system:kube-controller-manager", usage: x509.ExtKeyUsageClientAuth},
	"scheduler":                {name: "system:kube-scheduler", usage: x509.ExtKeyUsageClientAuth},
	"registry":                 {name: "registry", usage: x509.ExtKeyUsageServerAuth, hosts: []string{"127.0.0.1", "::1", "localhost"}},
	"admin":                    {name: "kubernetes-admin", organization: "system:masters", usage: x509.ExtKeyUsageClientAuth},
}

// writeCerts makes a new cluster's identity in dir: its authority (ca), the front proxy's authority
// and client, one certificate per component, and the key pair of service-account tokens (sa).
func writeCerts(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	cluster, err := newAuthority(dir, "ca")
	if err != nil {
		return err
	}
	for file, subject := range clusterSubjects {
		if err := cluster.issue(dir, file, subject); err != nil {
			return err
		}
	}
	frontProxy, err := newAuthority(dir, "front-proxy-ca")
	if err != nil {
		return err
	}
	client := subject{name: "front-proxy-client", usage: x509.ExtKeyUsageClientAuth}
	if err := frontProxy.issue(dir, "front-proxy-client", client); err != nil {
		return err
	}
	return writeServiceAccountKeys(dir)
}

func newAuthority(dir, file string) (*authority, error) {
	template := template(subject{name: "krustlet test " + file})
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	made := &authority{certificate: template, key: key}
	der, err := made.sign(dir, file, template, key)
	if err != nil {
		return nil, err
	}
	made.certificate, err = x509.ParseCertificate(der)
	return made, err
}

func (a *authority) issue(dir, file string, to subject) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	_, err = a.sign(dir, file, template(to), key)
	return err
}

func (a *authority) sign(dir, file string, template *x509.Certificate, key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return nil, fmt.Errorf("cannot sign certificate %q: %w", file, err)
	}
	if err := writePem(filepath.Join(dir, file+".crt"), "CERTIFICATE", der); err != nil {
		return nil, err
	}
	return der, writeKey(filepath.Join(dir, file+".key"), key)
}

func template(of subject) *x509.Certificate {
	// 127 random bits: unique without a register of those that were given out.
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		panic(err) // crypto/rand never fails on a working system
	}
	made := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: of.name},
		NotBefore:    time.Now().Add(-time.Minute),
		NotAfter:     time.Now().Add(certificateLife),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	if of.organization != "" {
		made.Subject.Organization = []string{of.organization}
	}
	// The zero usage is "any": an authority has none.
	if of.usage != x509.ExtKeyUsageAny {
		made.ExtKeyUsage = []x509.ExtKeyUsage{of.usage}
	}
	for _, host := range of.hosts {
		if ip := net.ParseIP(host); ip != nil {
			made.IPAddresses = append(made.IPAddresses, ip)
		} else {
			made.DNSNames = append(made.DNSNames, host)
		}
	}
	return made
}

func writeServiceAccountKeys(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	if err := writePem(filepath.Join(dir, "sa.pub"), "PUBLIC KEY", public); err != nil {
		return err
	}
	return writeKey(filepath.Join(dir, "sa.key"), key)
}

func writeKey(path string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return writePem(path, "PRIVATE KEY", der)
}

func writePem(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
