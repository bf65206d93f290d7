package lending_test

import (
	"errors"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
)

// TestReach: what is told is what can be borrowed, but for locks; and who may not see a
// location is told of none (S6).
func TestReach(t *testing.T) {
	t.Parallel()
	w := newLab(t)
	w.Member(t, w.ws, w.ann, keyhatch.MemberRole)
	bob, eve, own := w.User(t, "bob"), w.User(t, "eve"), w.User(t, "own")
	did(t)(w.Broker.Places.GiveGrant(t.Context(), w.Admin, places.NewGrant{
		Location: w.location.ID, Prefix: "in/", Subject: keyhatch.SubjectUser, Name: "bob", Access: keyhatch.Read, ExpiresAt: time.Now().Add(time.Hour),
	}))
	did(t)(w.Broker.Places.UpdateLocation(t.Context(), w.Admin, "", w.location.ID, places.LocationChange{Owner: &own.User.ID}))
	scoped := w.Token(t, w.ann, people.NewToken{Workspace: w.ws.ID, Scopes: []keyhatch.Scope{"s3:read s3://lab-data/alpha/in/"}})
	whole, inside := "s3://lab-data/alpha/", "s3://lab-data/alpha/in/"
	locked := true
	for range 2 { // unlocked and locked
		for _, tc := range []struct {
			who   keyhatch.Caller
			ref   string
			want  string
			opens keyhatch.Prefix
		}{
			{w.ann, "alpha", "read write", "alpha/"},
			{w.ann, w.location.ID, "read write", "alpha/"},
			{w.ann, inside, "read write", "alpha/in/"},
			{w.ann, "s3://lab-data/", "none", ""},
			{w.ann, "s3://lab-data/alphabet/", "none", ""},
			{w.ann, "beta", "none", ""},
			{w.ann, "", "none", ""},
			{scoped, whole, "", "alpha/"},
			{scoped, inside, "read", "alpha/in/"},
			{bob, whole, "", "alpha/"},
			{bob, inside, "read", "alpha/in/"},
			{own, whole, "decides", "alpha/"},
			{w.Admin, whole, "decides", "alpha/"},
			{eve, whole, "none", ""},
			{eve, w.location.ID, "none", ""},
		} {
			got, err := w.Broker.Lending.Reach(t.Context(), tc.who, w.ws.ID, tc.ref)
			if tc.who.Token.ID == scoped.Token.ID {
				got, err = w.Broker.Lending.Reach(t.Context(), tc.who, "", tc.ref)
			}
			if tc.want == "none" {
				if !errors.Is(err, keyhatch.NotFound) || got.Location.ID != "" {
					t.Errorf("%s at %q: %+v, %v", tc.who.User.Name, tc.ref, got, err)
				}
				continue
			}
			said := ""
			for word, is := range map[string]bool{"read": got.Read && !got.Write, "read write": got.Read && got.Write, "decides": got.Decides} {
				if is {
					said += word
				}
			}
			if err != nil || said != tc.want || got.Prefix != tc.opens || got.Location.ID != w.location.ID {
				t.Errorf("%s at %q: %+v, %v", tc.who.User.Name, tc.ref, got, err)
			}
		}
		did(t)(w.Broker.Places.UpdateLocation(t.Context(), w.Admin, "", w.location.ID, places.LocationChange{Locked: &locked}))
	}
}
