package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	cmclient "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned"
)

// certManagerNamespace is where cert-manager is installed, and where it looks for the Secrets of its own
// ClusterIssuers.
const certManagerNamespace = "cert-manager"

// The file that helm's output is kept in; that it is there tells that the chart is installed.
const chartLog = "cert-manager.log"

// startCertManager installs cert-manager's own chart without its pods, and runs here what its pods would
// run, each as its own service account. It returns the webhook's URL once the API server asks it.
func startCertManager(parts *parts, options settings) (string, error) {
	folder := options.folder
	ctrl.SetLogger(klog.Background())
	webhook, err := startWebhook(parts, folder)
	if err != nil {
		return "", fmt.Errorf("webhook: %w", err)
	}
	if !exists(folder, chartLog) {
		if err := installChart(options, webhook.host); err != nil {
			return "", err
		}
	}
	webhook.startCertificates(parts)
	if err := startInjector(parts, folder); err != nil {
		return "", fmt.Errorf("CA injector: %w", err)
	}
	if err := installGatewayAPI(parts.ctx, folder, options.gatewayAPI); err != nil {
		return "", fmt.Errorf("Gateway API: %w", err)
	}
	if err := startControllers(parts, folder); err != nil {
		return "", fmt.Errorf("controllers: %w", err)
	}
	return "https://" + webhook.host, waitForWebhook(parts.ctx, folder)
}

// installChart installs the custom resources, rights and webhook configurations, and no pods.
func installChart(options settings, webhookHost string) error {
	signers := []string{"issuers.cert-manager.io/*", "clusterissuers.cert-manager.io/*"}
	if options.approve != "" {
		signers = append(signers, strings.Split(options.approve, ",")...)
	}
	var said bytes.Buffer
	err := helm(&said, "install", "cert-manager", options.chart,
		"--kubeconfig", kubeconfig(options.folder, admin),
		"--namespace", certManagerNamespace, "--create-namespace",
		"--set", "crds.enabled=true,startupapicheck.enabled=false",
		"--set", "replicaCount=0,webhook.replicaCount=0,cainjector.replicaCount=0",
		"--set", "webhook.url.host="+webhookHost,
		"--set", "approveSignerNames={"+strings.Join(signers, ",")+"}")
	if err != nil {
		return fmt.Errorf("helm install: %w: %s", err, said.String())
	}
	return os.WriteFile(filepath.Join(options.folder, chartLog), said.Bytes(), 0o600)
}

// waitForWebhook asks for a request that the webhook must refuse, as a dry run, until it does: by then it
// has its certificate, and the API server has the CA to check it by.
func waitForWebhook(ctx context.Context, folder string) error {
	config, err := adminConfig(folder)
	if err != nil {
		return err
	}
	client, err := cmclient.NewForConfig(config)
	if err != nil {
		return err
	}
	const namespace = "default"
	probe := &cmapi.CertificateRequest{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "probe-", Namespace: namespace},
		Spec: cmapi.CertificateRequestSpec{
			Request:   []byte("not a CSR"),
			IssuerRef: cmmeta.IssuerReference{Name: "probe"},
		},
	}
	dryRun := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
	deadline := time.Now().Add(2 * time.Minute)
	for {
		_, err := client.CertmanagerV1().CertificateRequests(namespace).Create(ctx, probe, dryRun)
		if err == nil {
			err = errors.New("a request without a CSR was accepted")
		} else if strings.Contains(err.Error(), `admission webhook "webhook.cert-manager.io" denied the request`) {
			return nil
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return fmt.Errorf("its webhook does not answer: %w", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
