package jobs_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
)

// TestTarpitKeepsNobodyWaiting: however many jobs are due about what does not answer,
// of one workspace with many stores or of one store with many workspaces, those of
// others begin at once.
func TestTarpitKeepsNobodyWaiting(t *testing.T) {
	const lab = "ws_0mz3k8q2a7c4f9d"
	for name, c := range map[string]struct {
		of    func(i int) (workspace, store string)
		share int
	}{
		"a workspace": {func(i int) (string, string) { return lab, fmt.Sprint("store-", i) }, 2 * pace.Share},
		"a store":     {func(int) (string, string) { return "", "store" }, pace.Share},
		"both":        {func(int) (string, string) { return lab, "store" }, pace.Share},
	} {
		of := c.of
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, g *ground) {
				ask := func(subject, workspace, store string) {
					now := time.Now()
					g.must(g.Write(t.Context(), func(tx *db.Tx) error {
						return tx.AskJob(t.Context(), keyhatch.Job{
							ID: keyhatch.NewID(keyhatch.JobID, now), Workspace: workspace, Store: store, Kind: work, Subject: subject, CreatedAt: now,
						})
					}))
				}
				if ws, _ := of(0); ws != "" {
					g.must(g.Write(t.Context(), func(tx *db.Tx) error {
						return tx.InsertWorkspace(t.Context(), keyhatch.Workspace{ID: ws, Name: "lab", CreatedAt: time.Now()})
					}))
				}
				for i := range 40 {
					workspace, store := of(i)
					ask(fmt.Sprint("stuck-", i), workspace, store)
				}
				pass(time.Second)
				for i := range 3 {
					ask(fmt.Sprint("free-", i), "", fmt.Sprint("another-", i))
				}
				begun := make(chan string, 100)
				g.start(g.DB, func(ctx context.Context, j keyhatch.Job) error {
					begun <- j.Subject
					if j.Store == "store" || j.Workspace != "" {
						<-ctx.Done()
					}
					return ctx.Err()
				})
				synctest.Wait()
				var got []string
				for len(begun) > 0 {
					got = append(got, <-begun)
				}
				stuck := slices.DeleteFunc(slices.Clone(got), func(s string) bool { return s[0] == 'f' })
				if len(stuck) != c.share || len(got) != c.share+3 {
					t.Errorf("begun are %q, with a share of %d", got, c.share)
				}
			})
		})
	}
}
