// Command gopeer puts Go's standard library behind a pipe: one JSON request a line on standard input, one JSON
// answer a line on standard output. Binary values are base64 of DER. tests/interop/src/peers.rs lists the commands.
package main

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"
)

// request holds the fields of every command; each command reads those it needs.
type request struct {
	Command string     `json:"command"`
	Cert    []byte     `json:"cert"`
	Issuer  []byte     `json:"issuer"`
	Csr     []byte     `json:"csr"`
	Certs   [][]byte   `json:"certs"`
	Anchors [][]byte   `json:"anchors"`
	At      *time.Time `json:"at"`
	DNS     string     `json:"dns"`
	Pkcs8   []byte     `json:"pkcs8"`
	Message []byte     `json:"message"`
}

type answer struct {
	OK        bool   `json:"ok"`
	Error     string `json:"error,omitempty"`
	Version   string `json:"version,omitempty"`
	Spki      []byte `json:"spki,omitempty"`
	Signature []byte `json:"signature,omitempty"`
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 0, 1<<20), 64<<20)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		reply, err := serve(in.Bytes())
		if err != nil {
			reply = answer{Error: err.Error()}
		} else {
			reply.OK = true
		}
		if err := out.Encode(reply); err != nil {
			fmt.Fprintln(os.Stderr, "gopeer: standard output:", err)
			os.Exit(1)
		}
	}
}

func serve(line []byte) (answer, error) {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	var r request
	if err := decoder.Decode(&r); err != nil {
		return answer{}, fmt.Errorf("request: %w", err)
	}
	switch r.Command {
	case "version":
		return answer{Version: runtime.Version()}, nil
	case "verifyCert":
		return answer{}, verifyCert(r)
	case "verifyCsr":
		return answer{}, verifyCsr(r)
	case "path":
		return answer{}, path(r)
	case "loadKey":
		return loadKey(r)
	}
	return answer{}, fmt.Errorf("command %q: not one that this harness has", r.Command)
}

// verifyCert checks the certificate's own signature under the issuer's key, and nothing else: names, dates and
// usages belong to path.
func verifyCert(r request) error {
	cert, err := x509.ParseCertificate(r.Cert)
	if err != nil {
		return err
	}
	issuer, err := x509.ParseCertificate(r.Issuer)
	if err != nil {
		return err
	}
	return issuer.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature)
}

func verifyCsr(r request) error {
	csr, err := x509.ParseCertificateRequest(r.Csr)
	if err != nil {
		return err
	}
	return csr.CheckSignature()
}

// path verifies certs (the leaf first, the intermediates in any order) up to one of the anchors.
func path(r request) error {
	if len(r.Certs) == 0 {
		return errors.New("certs: empty, at least the leaf is needed")
	}
	pools := [2]*x509.CertPool{x509.NewCertPool(), x509.NewCertPool()}
	for i, list := range [][][]byte{r.Anchors, r.Certs[1:]} {
		for _, der := range list {
			cert, err := x509.ParseCertificate(der)
			if err != nil {
				return err
			}
			pools[i].AddCert(cert)
		}
	}
	leaf, err := x509.ParseCertificate(r.Certs[0])
	if err != nil {
		return err
	}
	options := x509.VerifyOptions{
		Roots:         pools[0],
		Intermediates: pools[1],
		DNSName:       r.DNS,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}
	if r.At != nil {
		options.CurrentTime = *r.At
	}
	_, err = leaf.Verify(options)
	return err
}

// loadKey reads a private key, signs message with it, and shows the public key that it implies. RSA signs PKCS#1
// v1.5 with SHA-256, ECDSA with SHA-256.
func loadKey(r request) (answer, error) {
	key, err := x509.ParsePKCS8PrivateKey(r.Pkcs8)
	if err != nil {
		return answer{}, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return answer{}, fmt.Errorf("pkcs8: a %T can't sign", key)
	}
	spki, err := x509.MarshalPKIXPublicKey(signer.Public())
	if err != nil {
		return answer{}, err
	}
	signature, err := sign(signer, r.Message)
	return answer{Spki: spki, Signature: signature}, err
}

func sign(signer crypto.Signer, message []byte) ([]byte, error) {
	switch signer.Public().(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey:
		digest := sha256.Sum256(message)
		return signer.Sign(rand.Reader, digest[:], crypto.SHA256)
	}
	// Ed25519 and ML-DSA sign the message itself.
	return signer.Sign(rand.Reader, message, crypto.Hash(0))
}
