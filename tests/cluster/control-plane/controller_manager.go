package main

import (
	"context"
	"path/filepath"
	"strings"

	manager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app/options"
)

// controllers are those whose work can be seen without nodes.
var controllers = []string{
	"certificatesigningrequest-approving-controller",
	"certificatesigningrequest-cleaner-controller",
	"certificatesigningrequest-signing-controller",
	"clusterrole-aggregation-controller",
	"deployment-controller",
	"garbage-collector-controller",
	"job-controller",
	"kube-apiserver-serving-clustertrustbundle-publisher-controller",
	"namespace-controller",
	"podcertificaterequest-cleaner-controller",
	"replicaset-controller",
	"resourcequota-controller",
	"root-ca-certificate-publisher-controller",
	"serviceaccount-controller",
	"serviceaccount-token-controller",
	"statefulset-controller",
	"validatingadmissionpolicy-status-controller",
}

// startControllerManager runs kube-controller-manager with the controllers above.
func startControllerManager(parts *parts, folder string) error {
	in := func(name string) string { return filepath.Join(folder, name) }
	settings, err := options.NewKubeControllerManagerOptions()
	if err != nil {
		return err
	}
	known, off, aliases := manager.KnownControllers(), manager.ControllersDisabledByDefault(), manager.ControllerAliases()
	err = parseFlags(settings.Flags(known, off, aliases), []string{
		"--kubeconfig=" + kubeconfig(folder, "controller-manager"),
		"--secure-port=0",
		"--leader-elect=false",
		"--use-service-account-credentials=true",
		"--service-account-private-key-file=" + in("sa.key"),
		"--root-ca-file=" + in("ca.crt"),
		"--cluster-signing-cert-file=" + in("ca.crt"),
		"--cluster-signing-key-file=" + in("ca.key"),
		"--controllers=" + strings.Join(controllers, ","),
	})
	if err != nil {
		return err
	}
	config, err := settings.Config(parts.ctx, known, off, aliases)
	if err != nil {
		return err
	}
	parts.run("kube-controller-manager", func(ctx context.Context) error {
		return manager.Run(ctx, config.Complete())
	})
	return nil
}
