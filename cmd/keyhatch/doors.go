package main

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"

	"github.com/keyhatch/keyhatch/compat/arvados"
	"github.com/keyhatch/keyhatch/compat/earthdata"
	"github.com/keyhatch/keyhatch/compat/katapult"
	"github.com/keyhatch/keyhatch/compat/provena"
	"github.com/keyhatch/keyhatch/compat/tiledb"
	"github.com/keyhatch/keyhatch/gateway"
	"github.com/keyhatch/keyhatch/idp"
	"github.com/keyhatch/keyhatch/mirror"
	"github.com/keyhatch/keyhatch/rest"
	"github.com/keyhatch/keyhatch/server"
	"github.com/keyhatch/keyhatch/sts"
)

// serve makes the servers; run runs them.
func (in *instance) serve() error {
	proxies, err := config.Networks("trusted_proxies", in.config.TrustedProxies)
	if err != nil {
		return err
	}
	apiTLS, err := in.config.API.TLS()
	if err != nil {
		return fmt.Errorf("api: %w", err)
	}
	s3TLS, err := in.config.S3.TLS()
	if err != nil {
		return fmt.Errorf("s3: %w", err)
	}
	in.ready = server.NewReadiness(in.log,
		server.Check{Name: "database", Try: in.db.Reachable},
		server.Check{Name: "schema", Try: in.db.CheckSchema},
		server.Check{Name: "memory", Try: func(ctx context.Context) error {
			return in.mirror.View(ctx, func(*mirror.Image) error { return nil })
		}},
	)
	in.servers = []*server.Server{
		server.New(server.Options{
			Listener: in.api, TLS: apiTLS, Log: in.log, Total: time.Minute, Connections: in.config.API.Connections,
			Handler: server.API(server.Ground{Log: in.log, Proxies: proxies, Ready: in.ready, Watch: in.watchRequest},
				rest.New(in.broker, in.log).WithPages(in.pages()), sts.New(in.broker, in.stsRegions(), in.log), in.idp(), arvados.New(in.broker, in.cluster, in.log),
				tiledb.New(in.broker, in.log), katapult.New(in.broker, in.log), provena.New(in.broker, in.log), in.earthdata()),
		}),
		server.New(server.Options{
			Listener: in.s3, TLS: s3TLS, Log: in.log, Connections: in.config.S3.Connections, ConnContext: gateway.WithConnection,
			Handler: server.Origin(proxies, in.gateway()),
		}),
	}
	in.servers = append(in.servers, in.scraped()...)
	return nil
}

// pages is where the pages for people are; empty: there are none.
func (in *instance) pages() string {
	url, _ := in.config.LoginURL(in.apiURL)
	return url
}

// idp is the door of logins. It has pages where it is known under which address browsers come.
func (in *instance) idp() *idp.Door {
	url, why := in.config.LoginURL(in.apiURL)
	if url == "" {
		in.log.Info("there are no login pages, and keyhatch login takes --token or --user", "reason", why)
		return idp.New(in.broker, in.log)
	}
	return idp.NewServer(in.broker, url, in.log)
}

// earthdata is the door of data users. People log in at it where the login pages are.
func (in *instance) earthdata() *earthdata.Door {
	return earthdata.New(in.broker, earthdata.Config{
		URL: in.config.PublicURL(in.apiURL), Pages: in.pages(), Login: in.pages() != "", Elsewhere: in.datalogin,
		Workspace: in.config.Earthdata.Workspace, Location: in.config.Earthdata.Location, Version: thisBuild().Version,
	}, in.log)
}

// stsRegions are those that clients sign requests to STS for: the S3 endpoint's,
// and the one of AWS's global STS, which SDKs fall back to.
func (in *instance) stsRegions() []string { return []string{in.config.S3.Region, "us-east-1"} }

// gateway makes the S3 endpoint.
func (in *instance) gateway() *gateway.Gateway {
	return gateway.New(gateway.Config{
		Lending: in.broker.Lending, AccessKeys: in.broker.AccessKeys, Objects: in.broker.Objects, Backends: in.backends,
		Region: in.config.S3.Region, Hosts: hostsOf(in.s3URL),
		Limits: gateway.Limits{Concurrent: in.config.S3.Concurrent, PerSecond: in.config.S3.PerSecond}, Log: in.log, RequestLog: in.requestLog, Watch: in.watchOperation,
	})
}

// hostsOf are the names below which a bucket's can stand: that of the endpoint,
// unless it is an address, and localhost, whose sub-domains lead back here.
func hostsOf(endpoint string) []string {
	hosts := []string{"localhost"}
	if u, err := url.Parse(endpoint); err == nil && u.Hostname() != "localhost" {
		if _, err := netip.ParseAddr(u.Hostname()); err != nil {
			hosts = append(hosts, strings.ToLower(u.Hostname()))
		}
	}
	return hosts
}
