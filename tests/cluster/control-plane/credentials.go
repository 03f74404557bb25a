package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// admin is the user of the kubeconfig that people and tests get.
const admin = "admin"

// A cluster that is tried by hand may stay for a while.
const credentialLife = 365 * 24 * time.Hour

// users are those with a kubeconfig; each component of cert-manager acts as the service account that its
// chart gives rights to.
var users = map[string]pkix.Name{
	"controller-manager":      {CommonName: "system:kube-controller-manager"},
	"cert-manager":            serviceAccount("cert-manager", "cert-manager"),
	"cert-manager-webhook":    serviceAccount("cert-manager", "cert-manager-webhook"),
	"cert-manager-cainjector": serviceAccount("cert-manager", "cert-manager-cainjector"),
}

func serviceAccount(namespace, name string) pkix.Name {
	return pkix.Name{
		CommonName:   "system:serviceaccount:" + namespace + ":" + name,
		Organization: []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace},
	}
}

func kubeconfig(folder, user string) string {
	return filepath.Join(folder, user+".kubeconfig")
}

// writeCredentials writes the cluster's CA, the API server's certificate, the key that signs the tokens of
// service accounts, and a kubeconfig for each user. A folder that has them keeps them.
func writeCredentials(folder, server string) error {
	if exists(folder, admin+".kubeconfig") {
		return nil
	}
	authority, err := newAuthority(folder)
	if err != nil {
		return err
	}
	if err := authority.certify("apiserver", apiServerCertificate()); err != nil {
		return err
	}
	if err := writeTokenKey(folder); err != nil {
		return err
	}
	for user, name := range users {
		if err := authority.writeKubeconfig(user, name, server); err != nil {
			return err
		}
	}
	// The last one: that it is there tells that all are.
	return authority.writeKubeconfig(admin, pkix.Name{CommonName: admin, Organization: []string{"system:masters"}}, server)
}

func apiServerCertificate() *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: "kube-apiserver"},
		DNSNames: []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
			"kubernetes.default.svc.cluster.local"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 0, 0, 1)},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
}

func writeTokenKey(folder string) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	if err := writePEM(folder, "sa.pub", "PUBLIC KEY", public); err != nil {
		return err
	}
	return writeKey(folder, "sa.key", key)
}

// authority is the cluster's own CA; it has nothing to do with those of Espalier.
type authority struct {
	folder      string
	certificate *x509.Certificate
	key         crypto.Signer
}

func newAuthority(folder string) (*authority, error) {
	a := &authority{folder: folder}
	a.certificate = &x509.Certificate{
		Subject:               pkix.Name{CommonName: "espalier-test-cluster"},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	return a, a.certify("ca", a.certificate)
}

// certify makes a key, completes the template with it, and writes NAME.crt and NAME.key.
func (a *authority) certify(name string, template *x509.Certificate) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); err != nil {
		return err
	}
	now := time.Now()
	template.NotBefore, template.NotAfter = now.Add(-time.Minute), now.Add(credentialLife)
	if a.key == nil { // the first certificate is the authority's own
		a.key = key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return err
	}
	if template == a.certificate {
		if a.certificate, err = x509.ParseCertificate(der); err != nil {
			return err
		}
	}
	if err := writePEM(a.folder, name+".crt", "CERTIFICATE", der); err != nil {
		return err
	}
	return writeKey(a.folder, name+".key", key)
}

func (a *authority) writeKubeconfig(user string, name pkix.Name, server string) error {
	err := a.certify(user, &x509.Certificate{
		Subject:     name,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return err
	}
	certificate, err := os.ReadFile(filepath.Join(a.folder, user+".crt"))
	if err != nil {
		return err
	}
	key, err := os.ReadFile(filepath.Join(a.folder, user+".key"))
	if err != nil {
		return err
	}
	const cluster = "espalier-test"
	config := clientcmdapi.NewConfig()
	config.Clusters[cluster] = &clientcmdapi.Cluster{
		Server:                   server,
		CertificateAuthorityData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw}),
	}
	config.AuthInfos[user] = &clientcmdapi.AuthInfo{ClientCertificateData: certificate, ClientKeyData: key}
	config.Contexts[cluster] = &clientcmdapi.Context{Cluster: cluster, AuthInfo: user}
	config.CurrentContext = cluster
	return clientcmd.WriteToFile(*config, kubeconfig(a.folder, user))
}

func writeKey(folder, name string, key crypto.Signer) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return writePEM(folder, name, "PRIVATE KEY", der)
}

func writePEM(folder, name, kind string, der []byte) error {
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	return os.WriteFile(filepath.Join(folder, name), text, 0o600)
}
