package server

import (
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
)

// Door serves one wire format.
type Door interface {
	Mount(mux *http.ServeMux)
}

// maxBody bounds the bodies of API requests (S9).
const maxBody = 1 << 20

// Ground is what doors stand on. What is nil is not there.
type Ground struct {
	Log     *slog.Logger
	Proxies []netip.Prefix // whose X-Forwarded-For is believed
	Ready   *Readiness
	// Watch is told of each request when it has ended. It must not wait.
	Watch func(Answered)
}

// Answered is a request that has been.
type Answered struct {
	Door   string // the name of its package; empty: none has the path
	Route  string // the pattern that the door gave; empty: none
	Status int
	Took   time.Duration
}

// API puts doors on one listener, with health checks beside them.
func API(g Ground, doors ...Door) http.Handler {
	mux := http.NewServeMux()
	for _, d := range doors {
		d.Mount(mux)
	}
	health(mux, g.Ready)
	limited := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		if r.TLS != nil && !isLoopback(r.Host) {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		h.Set("X-Request-Id", keyhatch.OriginOf(r.Context()).RequestID)
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		mux.ServeHTTP(w, r)
	})
	return Origin(g.Proxies, accessLog(g, routesOf(doors), limited))
}

// isLoopback tells whether a host is this machine's own name. A browser that was told to ask it
// over TLS alone would not reach what else runs there. Of addresses it is never told: it
// passes that over.
//
// Source: RFC 6797, sections 7.2 and 8.1.1.
func isLoopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	return strings.EqualFold(name, "localhost")
}

// Origin notes each request's id and client address for everything behind it.
// The id is ours; one that the client sends is not taken.
func Origin(proxies []netip.Prefix, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var id [8]byte
		rand.Read(id[:]) // never fails (crypto/rand)
		o := keyhatch.Origin{
			Address:   clientAddress(r, proxies),
			RequestID: strings.ToUpper(hex.EncodeToString(id[:])),
			Trace:     keyhatch.ParseTrace(r.Header.Values("Traceparent")),
		}
		next.ServeHTTP(w, r.WithContext(keyhatch.WithOrigin(r.Context(), o)))
	})
}

// clientAddress is the peer's, or when that is a trusted proxy, the last address
// of X-Forwarded-For that is not one: what stands before it anybody could have
// written.
func clientAddress(r *http.Request, proxies []netip.Prefix) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	address := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && trusted(address, proxies); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		address = hop.Unmap().WithZone("") // a zone is free text
	}
	return address
}

func trusted(a netip.Addr, proxies []netip.Prefix) bool {
	for _, p := range proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// accessLog writes one line a request and turns a panic into a 500. Queries and
// headers are not logged: they can carry secrets.
func accessLog(g Ground, routes *routes, next http.Handler) http.Handler {
	log := g.Log
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		rec := &recorder{ResponseWriter: w}
		o := keyhatch.OriginOf(r.Context())
		asker := &keyhatch.Asker{}
		r = r.WithContext(keyhatch.WithAsker(r.Context(), asker))
		defer func() {
			if p := recover(); p != nil {
				log.Error("panic", "request_id", o.RequestID, "panic", p, "stack", string(debug.Stack()))
				if rec.status == 0 {
					http.Error(rec, "internal error "+o.RequestID, http.StatusInternalServerError)
				}
			}
			level := slog.LevelInfo
			if rec.status == http.StatusOK && (r.URL.Path == alivePath || r.URL.Path == readyPath) {
				level = slog.LevelDebug // asked every second, and says that all is well
			}
			a := Answered{Door: routes.door(r), Route: r.Pattern, Status: rec.status, Took: time.Since(begun)}
			log.Log(r.Context(), level, "request", "method", r.Method, "path", masked(r.URL.Path), "door", a.Door, "route", a.Route,
				"status", a.Status, "bytes", rec.bytes, "ms", a.Took.Milliseconds(), "user", asker.User(), "address", o.AddressText(),
				"request_id", o.RequestID, "trace_id", o.Trace.ID())
			if g.Watch != nil {
				g.Watch(a)
			}
		}()
		next.ServeHTTP(rec, r)
	})
}

// masked is a path without what could be a token that somebody put there.
func masked(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if keyhatch.MayHoldToken(s) {
			segments[i] = "[redacted]"
		}
	}
	return strings.Join(segments, "/")
}

// recorder notes what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
