package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// parts are the components that run for as long as the cluster does.
type parts struct {
	ctx context.Context
	// ended gets the error of each component that ends before the cluster is told to.
	ended chan error
}

func newParts(ctx context.Context) *parts {
	// Nobody reads after the first error: the rest must not block.
	return &parts{ctx: ctx, ended: make(chan error, 64)}
}

// run runs a component beside the others; when it ends by itself, the cluster ends with its error.
func (p *parts) run(name string, work func(context.Context) error) {
	go func() {
		if err := work(p.ctx); p.ctx.Err() == nil {
			p.ended <- fmt.Errorf("%s ended: %w", name, orUnexplained(err))
		}
	}()
}

func orUnexplained(err error) error {
	if err == nil {
		return fmt.Errorf("without an error")
	}
	return err
}

// listen binds a loopback port and keeps its number in FOLDER/NAME.port: a cluster that is started again
// is found where it was.
func listen(folder, name string) (net.Listener, error) {
	file := filepath.Join(folder, name+".port")
	address := "127.0.0.1:0"
	if before, err := os.ReadFile(file); err == nil {
		address = "127.0.0.1:" + strings.TrimSpace(string(before))
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return nil, err
	}
	return listener, os.WriteFile(file, []byte(port+"\n"), 0o600)
}

// exists tells whether a file of the folder is there.
func exists(folder, name string) bool {
	_, err := os.Stat(filepath.Join(folder, name))
	return err == nil
}
