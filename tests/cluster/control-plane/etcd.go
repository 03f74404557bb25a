package main

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/storage/wal"
)

// startEtcd runs etcd on Unix sockets in the folder and waits until it takes requests.
func startEtcd(parts *parts, folder string) error {
	cfg := embed.NewConfig()
	cfg.Dir = filepath.Join(folder, "etcd")
	cfg.LogLevel = "warn"
	// A killed process loses nothing that it wrote, only a machine without power does.
	cfg.UnsafeNoFsync = true
	// Two of 64 MB would be allocated at once.
	wal.SegmentSizeBytes = 4 << 20
	clients := []url.URL{{Scheme: "unix", Path: etcdSocket(folder)}}
	peers := []url.URL{{Scheme: "unix", Path: filepath.Join(folder, "peer.sock")}}
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = clients, clients
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = peers, peers
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	etcd, err := embed.StartEtcd(cfg)
	if err != nil {
		return err
	}
	parts.run("etcd", func(context.Context) error {
		select {
		case err := <-etcd.Err():
			return err
		case <-etcd.Server.StopNotify():
			return errors.New("its server stopped")
		}
	})
	select {
	case <-etcd.Server.ReadyNotify():
		return nil
	case <-time.After(30 * time.Second):
		return errors.New("not ready after 30 s")
	case <-parts.ctx.Done():
		return parts.ctx.Err()
	}
}

func etcdSocket(folder string) string {
	return filepath.Join(folder, "etcd.sock")
}
