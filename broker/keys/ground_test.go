package keys_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/keys"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/seal"
)

// atOnce waits for nothing, and takes a few rows at a time.
var atOnce = keys.Pace{Batch: 3}

// ground is an installation with credentials. What its log says is kept.
type ground struct {
	*coretest.Core
	t   *testing.T
	log *lines
}

type lines struct {
	sync.Mutex
	bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.Buffer.Write(p)
}

func (l *lines) String() string {
	l.Lock()
	defer l.Unlock()
	return l.Buffer.String()
}

func newGround(t *testing.T, p keys.Pace) *ground {
	t.Helper()
	g := &ground{coretest.New(t), t, &lines{}}
	g.KeysPace, g.Log = p, slog.New(slog.NewTextHandler(g.log, nil))
	g.Restart(t)
	return g
}

// beside is another process on the same files.
func (g *ground) beside() *ground { return &ground{g.Beside(g.t), g.t, g.log} }

func (g *ground) must(err error) {
	g.t.Helper()
	if err != nil {
		g.t.Fatal(err)
	}
}

// credential makes one and returns its id.
func (g *ground) credential(name, secret string) string {
	g.t.Helper()
	made, err := g.Broker.Credentials.Create(context.Background(), g.Admin, credentials.NewCredential{Name: name, Authority: *authority(secret)})
	g.must(err)
	return made.ID
}

func authority(secret string) *keyhatch.Authority {
	return &keyhatch.Authority{
		Provider: keyhatch.AWS, Kind: keyhatch.KeysCredential, Principal: "AKIAEXAMPLE", Secret: keyhatch.Secret(secret),
	}
}

// credentials makes many: each one's secret is its name, filled up.
func (g *ground) credentials(n int) (ids []string) {
	g.t.Helper()
	for i := range n {
		ids = append(ids, g.credential(fmt.Sprintf("c%03d", i), secretOf(i, 0)))
	}
	return ids
}

func secretOf(i, version int) string { return fmt.Sprintf("canary-%03d-%06d-canary", i, version) }

// set gives a credential another secret.
func (g *ground) set(id, secret string) error {
	_, err := g.Broker.Credentials.Update(context.Background(), g.Admin, credentials.In{}, id, credentials.Change{Authority: authority(secret)})
	return err
}

// secret opens a credential as who acts on a store does.
func (g *ground) secret(id string) (string, error) {
	keys, err := g.Broker.Credentials.KeysOf(context.Background(), keyhatch.Store{Credential: id})
	return keys.SecretAccessKey.Reveal(), err
}

// opens demands that every credential has the secret that it was made with.
func (g *ground) opens(ids []string) {
	g.t.Helper()
	for i, id := range ids {
		if got, err := g.secret(id); got != secretOf(i, 0) || err != nil {
			g.t.Errorf("credential %d: %q, %v", i, got, err)
		}
	}
}

func (g *ground) rotate(names ...string) []keyhatch.DataKey {
	g.t.Helper()
	all, err := g.Broker.Keys.Rotate(context.Background(), g.Admin, names)
	g.must(err)
	return all
}

func (g *ground) step() {
	g.t.Helper()
	_, err := g.Broker.Keys.Step(context.Background())
	g.must(err)
}

// keys are those of a keyset.
func (g *ground) keys(name string) []keyhatch.DataKey {
	g.t.Helper()
	all, err := g.Broker.Keys.Keys(context.Background(), g.Admin)
	g.must(err)
	return slices.DeleteFunc(all, func(k keyhatch.DataKey) bool { return k.Keyset != name })
}

func states(all []keyhatch.DataKey) (out []string) {
	for _, k := range all {
		out = append(out, string(k.State))
	}
	return out
}

// sealedWith counts the rows that are sealed with the key, past the core.
func (g *ground) sealedWith(id uint32) int {
	g.t.Helper()
	n, err := g.DB.CountSealedWith(context.Background(), seal.Prefix(id))
	g.must(err)
	return n
}

// events are those of an action.
func (g *ground) events(a keyhatch.Action) (out []keyhatch.Event) {
	g.t.Helper()
	for e, err := range g.DB.AllEvents(context.Background()) {
		g.must(err)
		if e.Action == a {
			out = append(out, e)
		}
	}
	return out
}
