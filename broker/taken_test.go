package broker_test

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/mirror"
)

// TestChangeThatMemoryCannotTakeIn: who made a change, and cannot be told that it holds
// everywhere, is told that it may be there. Told to come again, programs made it twice.
func TestChangeThatMemoryCannotTakeIn(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	feed, err := db.Open(t.Context(), c.Path)
	if err != nil {
		t.Fatal(err)
	}
	if c.Mirror, err = mirror.Load(t.Context(), feed, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	c.Mirror.UseFor(time.Hour)
	if err := feed.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = c.With(nil).People.CreateUser(t.Context(), c.Admin, people.NewUser{Name: "ann"})
	var failed *keyhatch.Error
	if !errors.As(err, &failed) || failed.Kind != keyhatch.Unavailable || failed.Code != keyhatch.CodeOutcomeUnknown {
		t.Errorf("it fails with %v, want %s", err, keyhatch.CodeOutcomeUnknown)
	}
	if _, err := c.DB.UserByName(t.Context(), "ann"); err != nil {
		t.Errorf("the user: %v", err)
	}
}
