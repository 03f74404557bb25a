// Command test-cluster is a Kubernetes control plane with cert-manager in one process, for tests: etcd,
// kube-apiserver, kube-controller-manager, cert-manager's controllers, approver, CA injector and
// admission webhook, all of them the real ones. Everything listens on 127.0.0.1 or on Unix sockets, and
// everything is kept in one folder. There is no kubelet and no scheduler: pods stay pending.
//
//	test-cluster up [options] [-- options of kube-apiserver]
//	test-cluster versions
//	test-cluster kubectl …
//	test-cluster helm …
//
// A link named kubectl or helm to this program is that program.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	helmcmd "helm.sh/helm/v4/pkg/cmd"
	"k8s.io/component-base/cli"
	kubectlcmd "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
)

func main() {
	name, args := filepath.Base(os.Args[0]), os.Args[1:]
	if name != "kubectl" && name != "helm" {
		name = ""
		if len(args) > 0 {
			name, args = args[0], args[1:]
		}
		// kubectl reads the program's arguments itself.
		os.Args = append([]string{name}, args...)
	}
	switch name {
	case "up":
		endOn(up(args))
	case "versions":
		endOn(json.NewEncoder(os.Stdout).Encode(versions()))
	case "kubectl":
		kubectlutil.CheckErr(cli.RunNoErrOutput(kubectlcmd.NewDefaultKubectlCommand()))
	case "helm":
		endOn(helm(os.Stdout, args...))
	default:
		endOn(fmt.Errorf("usage: test-cluster up|versions|kubectl|helm …, found %q", name))
	}
}

func endOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "test-cluster:", err)
		os.Exit(1)
	}
}

// helm runs one command of helm; what it prints goes to out.
func helm(out io.Writer, args ...string) error {
	root, err := helmcmd.NewRootCmd(out, args, helmcmd.SetupLogging)
	if err != nil {
		return err
	}
	root.SetArgs(args)
	return root.Execute()
}
