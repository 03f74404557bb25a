package main

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"

	"k8s.io/klog/v2"

	"github.com/cert-manager/cert-manager/internal/webhook"
	"github.com/cert-manager/cert-manager/pkg/webhook/admission"
	"github.com/cert-manager/cert-manager/pkg/webhook/options"
	"github.com/cert-manager/cert-manager/pkg/webhook/server"
)

// admissionWebhook is cert-manager's, on a loopback listener of ours: its own server would listen on all
// interfaces.
type admissionWebhook struct {
	server *server.Server
	// host is the name and port by which the API server calls it.
	host string
}

// startWebhook serves the webhook. It answers with a certificate only after startCertificates.
func startWebhook(parts *parts, folder string) (*admissionWebhook, error) {
	config, err := options.NewWebhookConfiguration()
	if err != nil {
		return nil, err
	}
	config.KubeConfig = kubeconfig(folder, "cert-manager-webhook")
	config.TLSConfig.Dynamic.SecretNamespace = certManagerNamespace
	config.TLSConfig.Dynamic.SecretName = "cert-manager-webhook-ca"
	config.TLSConfig.Dynamic.DNSNames = []string{"localhost"}
	server, err := webhook.NewCertManagerWebhookServer(klog.Background(), *config)
	if err != nil {
		return nil, err
	}
	listener, err := listen(folder, "webhook")
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return nil, err
	}
	routes := http.NewServeMux()
	routes.Handle("/mutate", admission.NewCustomMutationWebhook(server.MutationWebhook))
	routes.Handle("/validate", admission.NewCustomValidationWebhook(server.ResourceScheme, server.ValidationWebhook))
	parts.run("cert-manager's webhook", func(context.Context) error {
		over := &tls.Config{GetCertificate: server.CertificateSource.GetCertificate}
		server := &http.Server{Handler: routes, ReadHeaderTimeout: 10 * time.Second}
		return server.Serve(tls.NewListener(listener, over))
	})
	return &admissionWebhook{server: server, host: net.JoinHostPort("localhost", port)}, nil
}

// startCertificates keeps the webhook's certificate, in a Secret of the namespace that the chart makes.
func (w *admissionWebhook) startCertificates(parts *parts) {
	parts.run("the certificates of cert-manager's webhook", func(ctx context.Context) error {
		return w.server.CertificateSource.Start(ctx)
	})
}
