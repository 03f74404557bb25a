package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A Unix socket's path has at most 107 bytes, and the folder's name is the start of two of them.
const longestFolder = 80

// settings are those of `up`.
type settings struct {
	folder      string
	approve     string
	certManager bool
	chart       string
	gatewayAPI  string
	detached    bool
	temporary   bool
	// apiServer is handed to kube-apiserver behind our own options.
	apiServer []string
}

// report is what `up` prints, as one line of JSON, once everything answers.
type report struct {
	Server     string            `json:"server"`
	Kubeconfig string            `json:"kubeconfig"`
	CA         string            `json:"ca"`
	Webhook    string            `json:"webhook,omitempty"`
	Process    int               `json:"process"`
	Millis     map[string]int64  `json:"millis"`
	Versions   map[string]string `json:"versions"`
}

func parseOptions(args []string) (settings, error) {
	var o settings
	flags := flag.NewFlagSet("test-cluster up", flag.ContinueOnError)
	flags.StringVar(&o.folder, "dir", "", "folder of all state; a cluster that was killed goes on where it was "+
		"(default: a new one below $TMPDIR, removed at the end)")
	flags.StringVar(&o.approve, "approve", "", "signer names that cert-manager's approver approves besides its own, "+
		"separated by commas")
	flags.BoolVar(&o.certManager, "cert-manager", true, "run cert-manager")
	flags.StringVar(&o.chart, "cert-manager-chart", "", "folder of cert-manager's Helm chart "+
		"(default: cert-manager beside this program)")
	flags.StringVar(&o.gatewayAPI, "gateway-api", "", "folder of the definitions of the Gateway API's kinds "+
		"(default: gateway-api beside this program)")
	flags.BoolVar(&o.temporary, "temporary", false, "remove the folder at the end")
	flags.BoolVar(&o.detached, "detached", false, "go on when standard input ends")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.apiServer = flags.Args()
	if len(o.folder) > longestFolder {
		return o, fmt.Errorf("--dir: %s: has %d bytes, at most %d are allowed, for it becomes the start of Unix sockets",
			o.folder, len(o.folder), longestFolder)
	}
	err := o.findBeside()
	return o, err
}

// findBeside sets the folders that were not named to those beside this program.
func (o *settings) findBeside() error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	if program, err = filepath.EvalSymlinks(program); err != nil {
		return err
	}
	if o.chart == "" {
		o.chart = filepath.Join(filepath.Dir(program), "cert-manager")
	}
	if o.gatewayAPI == "" {
		o.gatewayAPI = filepath.Join(filepath.Dir(program), "gateway-api")
	}
	return nil
}

// up runs the cluster until SIGTERM, SIGINT, or the end of standard input: whoever holds the other end of
// that pipe can't be outlived.
func up(args []string) error {
	options, err := parseOptions(args)
	if err != nil {
		return err
	}
	if options.folder == "" {
		if options.folder, err = os.MkdirTemp("", "espalier-cluster-"); err != nil {
			return err
		}
		options.temporary = true
	}
	if options.temporary {
		defer os.RemoveAll(options.folder)
	}
	if err := os.MkdirAll(options.folder, 0o700); err != nil {
		return err
	}
	// The folder's name goes into command lines of components that have folders of their own.
	if options.folder, err = filepath.Abs(options.folder); err != nil {
		return err
	}
	told, err := logTo(filepath.Join(options.folder, "cluster.log"))
	if err != nil {
		return err
	}
	ctx, end := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer end()
	if options.detached {
		// Nor does it end with the terminal that it was started in.
		signal.Ignore(syscall.SIGHUP)
	} else {
		go func() {
			io.Copy(io.Discard, os.Stdin)
			end()
		}()
	}
	if err := serve(ctx, options); err != nil {
		fmt.Fprintf(told, "test-cluster: %v; see %s/cluster.log\n", err, options.folder)
		return err
	}
	return nil
}

// logTo sends standard error to a file: klog, etcd's logger and panics all write to file descriptor 2.
// It returns what was standard error before.
func logTo(path string) (*os.File, error) {
	log, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	before, err := unix.FcntlInt(2, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(before), "stderr"), unix.Dup2(int(log.Fd()), 2)
}

// serve starts the parts, tells when they are ready, and waits for the end.
func serve(ctx context.Context, options settings) error {
	parts := newParts(ctx)
	started := make(chan error, 1)
	go func() {
		report, err := start(parts, options)
		if err == nil {
			err = json.NewEncoder(os.Stdout).Encode(report)
		}
		started <- err
	}()
	select {
	case err := <-started:
		if err != nil {
			return err
		}
	case err := <-parts.ended:
		return err
	case <-ctx.Done():
		return nil
	}
	// A cluster that ends is thrown away, or goes on as after a crash: nothing needs to be drained.
	select {
	case err := <-parts.ended:
		return err
	case <-ctx.Done():
		return nil
	}
}

// start brings up one part after the other and waits until each answers.
func start(parts *parts, options settings) (*report, error) {
	begin := time.Now()
	report := &report{
		Kubeconfig: kubeconfig(options.folder, admin),
		CA:         filepath.Join(options.folder, "ca.crt"),
		Process:    os.Getpid(),
		Millis:     map[string]int64{},
		Versions:   versions(),
	}
	done := func(step string) { report.Millis[step] = time.Since(begin).Milliseconds() }
	// Discovery is cached by host and port, and another cluster may have had this port before.
	if err := os.Setenv("KUBECACHEDIR", filepath.Join(options.folder, "kubecache")); err != nil {
		return nil, err
	}
	listener, err := listen(options.folder, "apiserver")
	if err != nil {
		return nil, err
	}
	report.Server = "https://" + listener.Addr().String()
	if err := writeCredentials(options.folder, report.Server); err != nil {
		return nil, err
	}
	if err := startEtcd(parts, options.folder); err != nil {
		return nil, fmt.Errorf("etcd: %w", err)
	}
	done("etcd")
	if err := startAPIServer(parts, options.folder, listener, options.apiServer); err != nil {
		return nil, fmt.Errorf("kube-apiserver: %w", err)
	}
	done("kube-apiserver")
	if err := startControllerManager(parts, options.folder); err != nil {
		return nil, fmt.Errorf("kube-controller-manager: %w", err)
	}
	done("kube-controller-manager")
	if options.certManager {
		if report.Webhook, err = startCertManager(parts, options); err != nil {
			return nil, fmt.Errorf("cert-manager: %w", err)
		}
		done("cert-manager")
	}
	return report, nil
}
