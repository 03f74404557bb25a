package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"time"

	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	cliflag "k8s.io/component-base/cli/flag"
	logsapi "k8s.io/component-base/logs/api/v1"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"

	"github.com/spf13/pflag"
)

// startAPIServer runs kube-apiserver on a listener that is bound already, so that nobody else can take its
// port, and waits until it is ready. More flags may be given, as kube-apiserver knows them.
//
// The cobra commands of the components are left out, here and below: each installs a handler of signals,
// and the second one panics.
func startAPIServer(parts *parts, folder string, listener net.Listener, more []string) error {
	in := func(name string) string { return filepath.Join(folder, name) }
	server := options.NewServerRunOptions()
	err := parseFlags(server.Flags(), append([]string{
		"--etcd-servers=unix://" + etcdSocket(folder),
		"--bind-address=127.0.0.1",
		// A loopback address can't be an endpoint.
		"--endpoint-reconciler-type=none",
		"--service-cluster-ip-range=10.0.0.0/24",
		"--cert-dir=" + folder,
		"--tls-cert-file=" + in("apiserver.crt"),
		"--tls-private-key-file=" + in("apiserver.key"),
		"--client-ca-file=" + in("ca.crt"),
		"--anonymous-auth=false",
		"--authorization-mode=RBAC",
		"--service-account-issuer=https://" + listener.Addr().String(),
		"--service-account-key-file=" + in("sa.pub"),
		"--service-account-signing-key-file=" + in("sa.key"),
		"--profiling=false",
	}, more...))
	if err != nil {
		return err
	}
	server.SecureServing.Listener = listener
	server.SecureServing.BindPort = listener.Addr().(*net.TCPAddr).Port
	// The discovery document of OpenID Connect names this address for its keys.
	server.SecureServing.ExternalAddress = net.IPv4(127, 0, 0, 1)
	if err := server.GenericServerRunOptions.ComponentGlobalsRegistry.Set(); err != nil {
		return err
	}
	// All components of this process want to set up logging: once is enough.
	logsapi.ReapplyHandling = logsapi.ReapplyHandlingIgnoreUnchanged
	if err := logsapi.ValidateAndApply(server.Logs, nil); err != nil {
		return err
	}
	completed, err := server.Complete(parts.ctx)
	if err != nil {
		return err
	}
	if errs := completed.Validate(); len(errs) > 0 {
		return utilerrors.NewAggregate(errs)
	}
	parts.run("kube-apiserver", func(ctx context.Context) error { return apiserver.Run(ctx, completed) })
	return waitUntilReady(parts.ctx, folder)
}

// parseFlags sets the flags of a component, as its own command would.
func parseFlags(sets cliflag.NamedFlagSets, args []string) error {
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, set := range sets.FlagSets {
		all.AddFlagSet(set)
	}
	return all.Parse(args)
}

// waitUntilReady asks /readyz until it says yes.
func waitUntilReady(ctx context.Context, folder string) error {
	config, err := adminConfig(folder)
	if err != nil {
		return err
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return err
	}
	deadline := time.Now().Add(2 * time.Minute)
	for {
		answer := readyz(client, config.Host)
		if answer == "" || ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not ready after 2 min: %s", answer)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// readyz returns nothing once the server is ready, and what it says before.
func readyz(client *http.Client, host string) string {
	answer, err := client.Get(host + "/readyz")
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err.Error()
	}
	if answer.StatusCode == http.StatusOK {
		return ""
	}
	return string(body)
}

// adminConfig is the client configuration of the administrator.
func adminConfig(folder string) (*rest.Config, error) {
	return clientcmd.BuildConfigFromFlags("", kubeconfig(folder, admin))
}
