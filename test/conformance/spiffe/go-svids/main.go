// Makes a bundle and SVIDs, as a server of SPIFFE does, and judges SVIDs with go-spiffe.
//
//	main make AUDIENCE  writes a bundle, an X509-SVID with its key, and a JWT-SVID
//	main judge          reads a bundle and chains, and writes why go-spiffe refuses each one; empty if it is valid
package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"math/big"
	"net/url"
	"os"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/spiffe/go-spiffe/v2/bundle/spiffebundle"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/svid/jwtsvid"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
)

var domain = spiffeid.RequireTrustDomainFromString("example.org")
var workload = spiffeid.RequireFromPath(domain, "/ns/default/sa/agent")

func main() {
	if os.Args[1] == "make" {
		write(makeAll(os.Args[2]))
	} else {
		write(judge())
	}
}

type made struct {
	Bundle json.RawMessage `json:"bundle"`
	Chain  [][]byte        `json:"chain"`
	Key    []byte          `json:"key"`
	Jwt    string          `json:"jwt"`
}

func makeAll(audience string) made {
	rootKey, caKey, leafKey, jwtKey := newKey(), newKey(), newKey(), newKey()
	root := issue(authority("root", domain.ID().URL()), nil, rootKey, rootKey)
	ca := issue(authority("intermediate", nil), root, caKey, rootKey)
	leaf := issue(&x509.Certificate{
		Subject:               pkix.Name{Country: []string{"US"}, Organization: []string{"SPIRE"}},
		URIs:                  []*url.URL{workload.URL()},
		KeyUsage:              x509.KeyUsageKeyEncipherment | x509.KeyUsageKeyAgreement | x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}, ca, leafKey, caKey)

	bundle := spiffebundle.New(domain)
	bundle.AddX509Authority(root)
	must(bundle.AddJWTAuthority("jwt-key-1", jwtKey.Public()))
	bundle.SetSequenceNumber(7)
	bundle.SetRefreshHint(2 * time.Minute)
	chain := [][]byte{leaf.Raw, ca.Raw}
	token := signToken(jwtKey, audience)
	_, _, err := x509svid.ParseAndVerify(chain, bundle)
	must(err)
	_, err = jwtsvid.ParseAndValidate(token, bundle, []string{audience})
	must(err)
	return made{result(bundle.Marshal()), chain, result(x509.MarshalPKCS8PrivateKey(leafKey)), token}
}

func authority(name string, id *url.URL) *x509.Certificate {
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	if id != nil {
		template.URIs = []*url.URL{id}
	}
	return template
}

func issue(template, parent *x509.Certificate, key, signer crypto.Signer) *x509.Certificate {
	template.SerialNumber = result(rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)))
	template.NotBefore = time.Now().Add(-time.Minute)
	template.NotAfter = time.Now().Add(time.Hour)
	if parent == nil {
		parent = template
	}
	der := result(x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer))
	return result(x509.ParseCertificate(der))
}

func signToken(key crypto.Signer, audience string) string {
	options := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", "jwt-key-1")
	signer := result(jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, options))
	return result(jwt.Signed(signer).Claims(jwt.Claims{
		Subject:  workload.String(),
		Issuer:   "https://oidc.example.org",
		Audience: jwt.Audience{audience},
		IssuedAt: jwt.NewNumericDate(time.Now()),
		Expiry:   jwt.NewNumericDate(time.Now().Add(5 * time.Minute)),
	}).Serialize())
}

func judge() []string {
	var input struct {
		Bundle json.RawMessage `json:"bundle"`
		Now    int64           `json:"now"`
		Chains [][][]byte      `json:"chains"`
	}
	must(json.NewDecoder(os.Stdin).Decode(&input))
	bundle := result(spiffebundle.Parse(domain, input.Bundle))
	verdicts := []string{}
	for _, chain := range input.Chains {
		_, _, err := x509svid.ParseAndVerify(chain, bundle, x509svid.WithTime(time.Unix(input.Now, 0)))
		if err == nil {
			verdicts = append(verdicts, "")
		} else {
			verdicts = append(verdicts, err.Error())
		}
	}
	return verdicts
}

func newKey() *ecdsa.PrivateKey { return result(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

func write(value any) { must(json.NewEncoder(os.Stdout).Encode(value)) }

func result[T any](value T, err error) T {
	must(err)
	return value
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
