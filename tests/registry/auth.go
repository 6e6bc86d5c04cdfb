package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/subtle"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/auth/token"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/crypto/bcrypt"
)

const (
	service   = "krustlet-test-registry"
	tokenLife = 5 * time.Minute
	// certificateLife is longer than any test.
	certificateLife = 7 * 24 * time.Hour
	// publicPrefix begins the repositories that an anonymous token may pull.
	publicPrefix = "public/"
)

// basicAuth writes the password file that the registry reads.
func basicAuth(o options) (configuration.Parameters, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(o.password), bcrypt.MinCost)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(o.storage, "htpasswd")
	if err := os.WriteFile(path, []byte(o.user+":"+string(hash)+"\n"), 0o600); err != nil {
		return nil, err
	}
	return configuration.Parameters{"realm": service, "path": path}, nil
}

// issuer is a token server as the distribution specification's token page describes it.
type issuer struct {
	options     options
	certificate []byte
	key         *ecdsa.PrivateKey
	parameters  configuration.Parameters
}

func newIssuer(o options, origin string) (*issuer, error) {
	certificate, key, err := newRoot()
	if err != nil {
		return nil, err
	}
	bundle := filepath.Join(o.storage, "token.crt")
	encoded := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	if err := os.WriteFile(bundle, encoded, 0o600); err != nil {
		return nil, err
	}
	return &issuer{options: o, certificate: certificate, key: key, parameters: configuration.Parameters{
		"realm": origin + "/token", "service": service, "issuer": service, "rootcertbundle": bundle,
	}}, nil
}

// ServeHTTP answers a request for a token. Wrong credentials are refused; none at all give a token
// that opens the public repositories only.
func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, password, given := r.BasicAuth()
	if given && !i.knows(user, password) {
		http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"incorrect username or password"}]}`, http.StatusUnauthorized)
		return
	}
	if r.URL.Query().Get("service") != service {
		http.Error(w, `{"errors":[{"code":"DENIED","message":"unknown service"}]}`, http.StatusBadRequest)
		return
	}
	access := []*token.ResourceActions{}
	for _, scope := range r.URL.Query()["scope"] {
		if granted := grant(scope, given); granted != nil {
			access = append(access, granted)
		}
	}
	signed, err := i.sign(user, access)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"token": signed, "expires_in": int(tokenLife.Seconds())})
}

func (i *issuer) knows(user, password string) bool {
	return subtle.ConstantTimeCompare([]byte(user), []byte(i.options.user)) == 1 &&
		subtle.ConstantTimeCompare([]byte(password), []byte(i.options.password)) == 1
}

// grant reads `repository:NAME:ACTION,…` and gives what this caller may have of it.
func grant(scope string, known bool) *token.ResourceActions {
	parts := strings.Split(scope, ":")
	if len(parts) < 3 {
		return nil
	}
	name := strings.Join(parts[1:len(parts)-1], ":")
	actions := strings.Split(parts[len(parts)-1], ",")
	if !known {
		if !strings.HasPrefix(name, publicPrefix) {
			return nil
		}
		actions = []string{"pull"}
	}
	return &token.ResourceActions{Type: parts[0], Name: name, Actions: actions}
}

func (i *issuer) sign(user string, access []*token.ResourceActions) (string, error) {
	chain := []string{base64.StdEncoding.EncodeToString(i.certificate)}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.ES256, Key: i.key},
		(&jose.SignerOptions{}).WithType("JWT").WithHeader("x5c", chain),
	)
	if err != nil {
		return "", err
	}
	now := time.Now()
	return jwt.Signed(signer).Claims(token.ClaimSet{
		Issuer: service, Subject: user, Audience: token.AudienceList{service},
		IssuedAt: now.Unix(), NotBefore: now.Unix(), Expiration: now.Add(tokenLife).Unix(),
		Access: access,
	}).Serialize()
}

// newRoot makes the certificate by which the registry believes the tokens.
func newRoot() ([]byte, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	root := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "krustlet test token issuer"},
		NotBefore:             time.Now().Add(-time.Minute),
		NotAfter:              time.Now().Add(certificateLife),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	return der, key, err
}
