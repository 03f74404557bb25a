package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensionsclient "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// The group and version that cert-manager's shim for Gateways asks for.
const gatewayAPI = "gateway.networking.k8s.io/v1"

// installGatewayAPI defines the kinds of the Gateway API, from the definitions in a folder, and returns once
// the API server serves them: cert-manager's controllers do not start before.
func installGatewayAPI(ctx context.Context, folder, definitions string) error {
	config, err := adminConfig(folder)
	if err != nil {
		return err
	}
	client, err := apiextensionsclient.NewForConfig(config)
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(definitions, "*.yaml"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("%s: found no definitions, allowed is at least one", definitions)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var definition apiextensions.CustomResourceDefinition
		if err := yaml.UnmarshalStrict(text, &definition); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		_, err = client.ApiextensionsV1().CustomResourceDefinitions().Create(ctx, &definition, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	deadline := time.Now().Add(2 * time.Minute)
	for {
		kinds, err := client.Discovery().ServerResourcesForGroupVersion(gatewayAPI)
		if err == nil && len(kinds.APIResources) > 0 {
			return nil
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return fmt.Errorf("%s is not served: %w", gatewayAPI, orUnexplained(err))
		}
		time.Sleep(50 * time.Millisecond)
	}
}
