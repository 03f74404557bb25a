package main

import "runtime/debug"

// versions tells which releases this program was built from.
func versions() map[string]string {
	found := map[string]string{}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return found
	}
	found["go"] = info.GoVersion
	names := map[string]string{
		"k8s.io/kubernetes":                    "kubernetes",
		"go.etcd.io/etcd/server/v3":            "etcd",
		"github.com/cert-manager/cert-manager": "cert-manager",
		"helm.sh/helm/v4":                      "helm",
	}
	for _, module := range info.Deps {
		if name, ok := names[module.Path]; ok {
			found[name] = module.Version
		}
	}
	return found
}
