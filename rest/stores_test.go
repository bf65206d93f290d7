package rest_test

import (
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
)

// TestStoreOfATeamspace: a store that serves a teamspace's bucket alone says both, as what
// is refused of it does.
func TestStoreOfATeamspace(t *testing.T) {
	t.Parallel()
	s := serve(t)
	lab := s.Workspace(t, "lab")
	space, err := s.Broker.People.CreateTeamspace(t.Context(), s.Admin, people.NewTeamspace{Workspace: lab.ID, Name: "survey", Visibility: keyhatch.Private})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Broker.Credentials.Create(t.Context(), s.Admin, credentials.NewCredential{
		In: credentials.In{Workspace: lab.ID, Teamspace: space.ID}, Name: "cred1", Authority: keyhatch.AWSKeys("AKIA", "secret"),
	}); err != nil {
		t.Fatal(err)
	}
	made, err := s.Broker.Places.CreateSetting(t.Context(), s.Admin, places.NewSetting{
		Workspace: lab.ID, Teamspace: space.ID, Name: "one", Path: "s3://sky-survey/a", Credential: "cred1",
	})
	if err != nil {
		t.Fatal(err)
	}
	store := got[api.Store](s, 200, s.AdminSecret.Reveal(), "GET", "/stores/"+made.Store, "")
	if store.Workspace != lab.ID || store.Teamspace != space.ID || !store.OneBucket {
		t.Errorf("it is %+v", store)
	}
	s.wantProblem(409, keyhatch.CodeStoreUnsupported, s.AdminSecret.Reveal(), "POST", "/buckets?workspace=lab", `{"store":"`+made.Store+`","name":"more"}`)
}
