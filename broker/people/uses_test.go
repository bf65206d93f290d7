package people_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// TestChecksCostNoStatement: who is let in, and who is not, is told without the database.
// It is closed here, and time stands still, so that memory stays good.
func TestChecksCostNoStatement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := coretest.New(t)
		_, secret, err := c.Broker.People.CreateToken(t.Context(), c.Admin, people.NewToken{})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.DB.Close(); err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			if _, err := c.Broker.People.Authenticate(from(t, "192.0.2.1"), secret); err != nil {
				t.Fatalf("check %d: %v", i, err)
			}
			if got, err := c.Broker.People.Inspect(from(t, "192.0.2.1"), c.Admin, secret); err != nil || !got.Active {
				t.Fatalf("question %d: %v", i, err)
			}
		}
		_, err = c.Broker.People.Authenticate(from(t, "192.0.2.2"), keyhatch.NewTokenSecret())
		wantFailure(t, "one that there is not", err, keyhatch.Unauthenticated, keyhatch.CodeTokenInvalid)
	})
}

// TestUsesAreWrittenRarely: the writes are counted in the database itself. Tokens that are
// used all the time cost one a minute each; one that is not used costs none.
func TestUsesAreWrittenRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := coretest.New(t)
		var secrets []keyhatch.Secret
		for range 4 {
			_, secret, err := c.Broker.People.CreateToken(t.Context(), c.Admin, people.NewToken{})
			if err != nil {
				t.Fatal(err)
			}
			secrets = append(secrets, secret)
		}
		c.SQL(t, "create table written (token text)")
		c.SQL(t, "create trigger count_writes after update on tokens begin insert into written values (new.id); end")
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { c.Broker.People.RunUses(ctx); close(ended) }()
		const minutes = 5
		for range minutes * 60 {
			for _, secret := range secrets[1:] {
				for range 3 {
					if _, err := c.Broker.People.Authenticate(from(t, "192.0.2.1"), secret); err != nil {
						t.Fatal(err)
					}
				}
			}
			time.Sleep(time.Second)
		}
		stop()
		<-ended
		times := map[string]int{}
		for _, token := range c.Dump(t, "written")["written"] {
			times[token]++
		}
		delete(times, c.Admin.Token.ID) // which has made them
		if len(times) != len(secrets)-1 {
			t.Errorf("uses of %d tokens were written", len(times))
		}
		for token, n := range times {
			if n < minutes || n > minutes+2 { // at once, once a minute, and at the end
				t.Errorf("of %s %d uses were written in %d minutes", token, n, minutes)
			}
		}
	})
}
