package keys_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/seal"
)

// In the environment of a child of the test: the database that it works on until it
// is killed, and the admin's token. And, of the test, that there is time.
const (
	rotatorFile  = "KEYHATCH_TEST_ROTATOR_FILE"
	rotatorToken = "KEYHATCH_TEST_ROTATOR_TOKEN"
	chaos        = "KEYHATCH_CHAOS"
)

const killedCredentials = 30

// TestKilledRotation kills a process again and again while it rotates keys and
// secrets are set: none is lost, whatever was said to be set is, and the next process
// goes on where the last was. make chaos kills it 200 times.
func TestKilledRotation(t *testing.T) {
	if path := os.Getenv(rotatorFile); path != "" {
		rotateForever(t, path)
		return
	}
	t.Parallel()
	kills := 20
	if os.Getenv(chaos) != "" {
		kills = 200
	}
	g := newGround(t, atOnce)
	ids := g.credentials(killedCredentials)
	set := make([]int, len(ids)) // the version that was said to be set
	var tokens []string
	unfinished := 0
	for range kills {
		for _, line := range g.kill(1 + rand.IntN(60)) {
			var i, version int
			if token, ok := strings.CutPrefix(line, "token "); ok {
				tokens = append(tokens, token)
			} else if _, err := fmt.Sscanf(line, "set %d %d", &i, &version); err == nil {
				set[i] = max(set[i], version)
			}
		}
		g.Restart(t)
		if old := g.keys(seal.ColumnsKeyset); len(old) > 1 {
			unfinished++
		}
		for i, id := range ids {
			got, err := g.secret(id)
			var n, version int
			if _, scanErr := fmt.Sscanf(got, "canary-%d-%d-canary", &n, &version); scanErr != nil || n != i || err != nil {
				t.Fatalf("credential %d is lost: %v", i, err)
			}
			if version < set[i] {
				t.Fatalf("credential %d has version %d, %d was set", i, version, set[i])
			}
		}
	}
	if unfinished == 0 {
		t.Errorf("of %d kills none was in the middle of a rotation", kills)
	}
	g.step() // it ends by itself
	g.step()
	if all := g.keys(seal.ColumnsKeyset); len(all) != 1 || all[0].NeededBy != len(ids) {
		t.Errorf("in the end: %+v", all)
	}
	for _, secret := range tokens {
		if _, err := g.Broker.People.Authenticate(t.Context(), keyhatch.Secret(secret)); err != nil {
			t.Errorf("a token that was handed out: %v", err)
		}
	}
	report, err := broker.VerifyAudit(t.Context(), g.DB, g.Keys)
	if err != nil || len(report.Findings) > 0 {
		t.Errorf("the record: %v, %v", report.Findings, err)
	}
	t.Logf("%d kills, %d of them with an old key still there, %d tokens", kills, unfinished, len(tokens))
}

// kill runs a child until it has said so many lines, kills it, and returns what it has
// said up to its end.
func (g *ground) kill(after int) (said []string) {
	g.t.Helper()
	g.must(g.DB.Close())
	child := exec.CommandContext(g.t.Context(), os.Args[0], "-test.run=^TestKilledRotation$")
	child.Env = append(os.Environ(), rotatorFile+"="+g.Path, rotatorToken+"="+g.AdminSecret.Reveal())
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	g.must(err)
	g.must(child.Start())
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		if err != nil { // a last line that was cut off does not count
			break
		}
		if said = append(said, strings.TrimSpace(line)); len(said) == after {
			g.must(child.Process.Kill())
		}
	}
	if err := child.Wait(); err == nil || child.ProcessState.Exited() {
		g.t.Fatalf("the child ended by itself: %v\n%s", err, strings.Join(said, "\n"))
	}
	return said
}

// rotateForever rotates keys, sets secrets and makes tokens, and says a line for each
// that was acknowledged.
func rotateForever(t *testing.T, path string) {
	c := coretest.Open(t, path, keyhatch.Secret(os.Getenv(rotatorToken)), atOnce)
	g := &ground{Core: c, t: t}
	ctx, fail := context.WithCancelCause(t.Context())
	var out sync.Mutex
	say := func(format string, args ...any) {
		out.Lock()
		defer out.Unlock()
		fmt.Printf(format+"\n", args...)
	}
	go func() {
		for ctx.Err() == nil {
			if _, err := g.Broker.Keys.Rotate(ctx, g.Admin, []string{seal.ColumnsKeyset, seal.SessionsKeyset}); err != nil && !errors.Is(err, keyhatch.Conflict) {
				fail(err)
			}
			if _, err := g.Broker.Keys.Step(ctx); err != nil {
				fail(err)
			}
			say("step")
		}
	}()
	go func() {
		_, err := g.Broker.Keys.Rotate(ctx, g.Admin, []string{seal.TokensKeyset})
		if err != nil && !errors.Is(err, keyhatch.Conflict) { // there are as many as can be
			fail(err)
		}
		for ctx.Err() == nil {
			if _, secret, err := g.Broker.People.CreateToken(ctx, g.Admin, people.NewToken{}); err != nil {
				fail(err)
			} else {
				say("token %s", secret.Reveal())
			}
			time.Sleep(20 * time.Millisecond) // few of them: each is looked up in the end
		}
	}()
	list, err := g.Broker.Credentials.Credentials(ctx, g.Admin, credentials.In{}, credentials.Filter{}, kernel.Page{Limit: killedCredentials})
	g.must(err)
	for w := range 3 {
		go func() {
			for n := w; ctx.Err() == nil; n += 3 {
				id := list.Items[n%killedCredentials].ID
				secret, err := g.secret(id)
				if err != nil {
					fail(err)
					return
				}
				var i, version int
				if _, err := fmt.Sscanf(secret, "canary-%d-%d-canary", &i, &version); err != nil {
					fail(err)
					return
				}
				if err := g.set(id, secretOf(i, version+1)); err != nil {
					fail(err)
					return
				}
				say("set %d %d", i, version+1)
			}
		}()
	}
	<-ctx.Done()
	t.Fatal(context.Cause(ctx))
}
