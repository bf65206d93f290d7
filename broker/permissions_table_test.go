package broker_test

import (
	"net/netip"
	"slices"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/keys"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/past"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/broker/record"
	"github.com/keyhatch/keyhatch/broker/terms"
)

type (
	caller = keyhatch.Caller
	act    = func() error
)

// only drops the answer of a use case.
func only[T any](_ T, err error) error { return err }

var page = kernel.Page{}

// useCases is who may do what. Each use case of the broker stands here, in peopleUseCases or
// in oauthUseCases.
var useCases = slices.Concat(peopleUseCases, oauthUseCases, []useCase{
	// credentials                          admin     confined  owner     wsadmin   member    keeper    guest     stranger
	{"create a credential", "               ok        ok        ok        ok        forbidden hidden    hidden    hidden", credentials.Created, "credentials", func(w *lab, c caller) act {
		n := w.credential()
		n.Workspace = w.ws.ID
		return func() error { return only(w.Broker.Credentials.Create(w.ctx, c, n)) }
	}},
	{"create one of the installation", "    ok        -         -         -         -         -         -         -", credentials.Created, "credentials", func(w *lab, c caller) act {
		n := w.credential()
		return func() error { return only(w.Broker.Credentials.Create(w.ctx, c, n)) }
	}},
	{"create one where one edits", "        ok        ok        ok        ok        ok        hidden    hidden    hidden", credentials.Created, "credentials", func(w *lab, c caller) act {
		n := w.credential()
		n.Teamspace = w.newTeamspaceOf(c, keyhatch.EditorRole).ID
		return func() error { return only(w.Broker.Credentials.Create(w.ctx, c, n)) }
	}},
	{"create one where one views", "        ok        ok        ok        ok        forbidden hidden    hidden    hidden", credentials.Created, "credentials", func(w *lab, c caller) act {
		n := w.credential()
		n.Teamspace = w.newTeamspaceOf(c, keyhatch.ViewerRole).ID
		return func() error { return only(w.Broker.Credentials.Create(w.ctx, c, n)) }
	}},
	{"set other keys", "                    ok        ok        ok        ok        forbidden hidden    hidden    hidden", credentials.Updated, "credentials", func(w *lab, c caller) act {
		held, keys := w.credentialIn(credentials.In{Workspace: w.ws.ID}), w.credential().Authority
		return func() error {
			return only(w.Broker.Credentials.Update(w.ctx, c, credentials.In{}, held.ID, credentials.Change{Authority: &keys}))
		}
	}},
	{"set other keys of the installation", "ok        hidden    hidden    hidden    hidden    hidden    hidden    hidden", credentials.Updated, "credentials", func(w *lab, c caller) act {
		held, keys := w.newCredential(), w.credential().Authority
		return func() error {
			return only(w.Broker.Credentials.Update(w.ctx, c, credentials.In{}, held.ID, credentials.Change{Authority: &keys}))
		}
	}},
	{"set other keys where one views", "    ok        ok        ok        ok        forbidden hidden    hidden    hidden", credentials.Updated, "credentials", func(w *lab, c caller) act {
		held, keys := w.credentialIn(credentials.In{Teamspace: w.newTeamspaceOf(c, keyhatch.ViewerRole).ID}), w.credential().Authority
		return func() error {
			return only(w.Broker.Credentials.Update(w.ctx, c, credentials.In{}, held.ID, credentials.Change{Authority: &keys}))
		}
	}},
	{"use any external id", "               ok        forbidden forbidden forbidden forbidden hidden    hidden    hidden", credentials.Updated, "credentials", func(w *lab, c caller) act {
		n := w.credential()
		n.Workspace, n.Authority = w.ws.ID, w.role()
		held := give[credentials.Made](w)(w.Broker.Credentials.Create(w.ctx, w.Admin, n))
		yes := true
		return func() error {
			return only(w.Broker.Credentials.Update(w.ctx, c, credentials.In{}, held.ID, credentials.Change{Marks: credentials.Marks{AnyExternalID: &yes}}))
		}
	}},
	{"delete a credential", "               ok        ok        ok        ok        forbidden hidden    hidden    hidden", credentials.Deleted, "credentials", func(w *lab, c caller) act {
		held := w.credentialIn(credentials.In{Workspace: w.ws.ID})
		return func() error {
			return w.Broker.Credentials.Delete(w.ctx, c, credentials.In{Workspace: w.ws.ID}, held.Name, false)
		}
	}},
	{"delete one of the installation", "    ok        hidden    hidden    hidden    hidden    hidden    hidden    hidden", credentials.Deleted, "credentials", func(w *lab, c caller) act {
		held := w.newCredential()
		return func() error { return w.Broker.Credentials.Delete(w.ctx, c, credentials.In{}, held.ID, false) }
	}},
	{"verify a credential", "               ok        ok        ok        ok        forbidden hidden    hidden    hidden", credentials.Verified, "events", func(w *lab, c caller) act {
		held := w.credentialIn(credentials.In{Workspace: w.ws.ID})
		return func() error {
			return only(w.Broker.Credentials.VerifyStored(w.ctx, c, credentials.In{}, held.ID))
		}
	}},
	{"verify an authority", "               ok        ok        ok        ok        forbidden hidden    hidden    hidden", credentials.Verified, "events", func(w *lab, c caller) act {
		return func() error {
			return only(w.Broker.Credentials.Verify(w.ctx, c, credentials.In{Workspace: w.ws.ID}, w.credential().Authority))
		}
	}},
	{"see a credential", "                  ok        ok        ok        ok        ok        hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		held := w.credentialIn(credentials.In{Workspace: w.ws.ID})
		return func() error { return only(w.Broker.Credentials.Credential(w.ctx, c, credentials.In{}, held.ID)) }
	}},
	{"see one of the installation", "       ok        hidden    hidden    hidden    hidden    hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		held := w.newCredential()
		return func() error { return only(w.Broker.Credentials.Credential(w.ctx, c, credentials.In{}, held.ID)) }
	}},
	{"see one where one views", "           ok        ok        ok        ok        ok        hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		held := w.credentialIn(credentials.In{Teamspace: w.newTeamspaceOf(c, keyhatch.ViewerRole).ID})
		return func() error { return only(w.Broker.Credentials.Credential(w.ctx, c, credentials.In{}, held.ID)) }
	}},
	{"see one of a private teamspace", "    ok        ok        ok        ok        hidden    hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		held := w.credentialIn(credentials.In{Teamspace: w.newTeamspace(keyhatch.Private).ID})
		return func() error { return only(w.Broker.Credentials.Credential(w.ctx, c, credentials.In{}, held.ID)) }
	}},
	{"list credentials", "                  ok        ok        ok        ok        ok        hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		return func() error {
			return only(w.Broker.Credentials.Credentials(w.ctx, c, credentials.In{Workspace: w.ws.ID}, credentials.Filter{}, page))
		}
	}},

	// stores and buckets                   admin     confined  owner     wsadmin   member    keeper    guest     stranger
	{"create a store", "                    ok        forbidden forbidden forbidden forbidden forbidden forbidden forbidden", places.StoreCreated, "stores", func(w *lab, c caller) act {
		n := w.store()
		return func() error { return only(w.Broker.Places.CreateStore(w.ctx, c, n)) }
	}},
	{"create an S3 store", "                ok        -         -         -         forbidden -         -         -", places.StoreCreated, "stores", func(w *lab, c caller) act {
		n := w.s3Store()
		return func() error { return only(w.Broker.Places.CreateStore(w.ctx, c, n)) }
	}},
	{"create a store of the workspace", "   ok        ok        ok        ok        forbidden hidden    hidden    hidden", places.StoreCreated, "stores", func(w *lab, c caller) act {
		n, name := w.s3StoreOf(w.ws), w.name()
		return func() error {
			n.Name = give[keyhatch.Workspace](w)(w.DB.Workspace(w.ctx, w.ws.ID)).Name + "." + name
			return only(w.Broker.Places.CreateStore(w.ctx, c, n))
		}
	}},
	{"rename a store of the workspace", "   ok        ok        ok        ok        forbidden hidden    hidden    hidden", places.StoreUpdated, "stores", func(w *lab, c caller) act {
		s := give[keyhatch.Store](w)(w.Broker.Places.CreateStore(w.ctx, w.Admin, w.s3StoreOf(w.ws)))
		return func() error {
			ws := give[keyhatch.Workspace](w)(w.DB.Workspace(w.ctx, w.ws.ID))
			name := ws.Name + "." + s.ID
			return only(w.Broker.Places.UpdateStore(w.ctx, c, s.ID, places.StoreChange{Name: &name}))
		}
	}},
	{"register a bucket on it", "           ok        ok        ok        ok        forbidden hidden    hidden    hidden", places.BucketCreated, "buckets", func(w *lab, c caller) act {
		s := give[keyhatch.Store](w)(w.Broker.Places.CreateStore(w.ctx, w.Admin, w.s3StoreOf(w.ws)))
		give[keyhatch.Bucket](w)(w.Broker.Buckets.Register(w.ctx, w.Admin, buckets.Existing{Workspace: w.ws.ID, Store: s.ID, Name: w.name()})) // its account
		n := buckets.Existing{Workspace: w.ws.ID, Store: s.ID, Name: w.name()}
		return func() error { return only(w.Broker.Buckets.Register(w.ctx, c, n)) }
	}},
	{"see a store of the workspace", "      ok        ok        ok        ok        ok        hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		s := give[keyhatch.Store](w)(w.Broker.Places.CreateStore(w.ctx, w.Admin, w.s3StoreOf(w.ws)))
		return func() error { return only(w.Broker.Places.Store(w.ctx, c, s.ID)) }
	}},
	{"rename a store", "                    ok        forbidden forbidden forbidden forbidden forbidden forbidden forbidden", places.StoreUpdated, "stores", func(w *lab, c caller) act {
		s, name := w.newStore(), w.name()
		return func() error {
			return only(w.Broker.Places.UpdateStore(w.ctx, c, s.ID, places.StoreChange{Name: &name}))
		}
	}},
	{"change a store's credential", "        ok        forbidden forbidden forbidden forbidden forbidden forbidden forbidden", places.StoreUpdated, "stores", func(w *lab, c caller) act {
		s, other := w.newS3Store(), w.newCredential()
		return func() error {
			return only(w.Broker.Places.UpdateStore(w.ctx, c, s.ID, places.StoreChange{Credential: &other.Name}))
		}
	}},
	{"delete a store", "                    ok        forbidden forbidden forbidden forbidden forbidden forbidden forbidden", places.StoreDeleted, "stores", func(w *lab, c caller) act {
		s := w.newStore()
		return func() error { return w.Broker.Places.DeleteStore(w.ctx, c, s.ID) }
	}},
	{"see a shared store", "                ok        ok        ok        ok        ok        ok        ok        ok", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.Places.Store(w.ctx, c, w.Store.Name)) }
	}},
	{"list stores", "                       ok        ok        ok        ok        ok        ok        ok        ok", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.Places.Stores(w.ctx, c, page)) }
	}},
	{"register a bucket", "                 ok        forbidden forbidden forbidden forbidden hidden    hidden    hidden", places.BucketCreated, "buckets", func(w *lab, c caller) act {
		n := buckets.Existing{Workspace: w.ws.ID, Store: w.Store.ID, Name: w.name()}
		return func() error { return only(w.Broker.Buckets.Register(w.ctx, c, n)) }
	}},
	{"unregister a bucket", "               ok        forbidden forbidden forbidden forbidden hidden    hidden    hidden", buckets.Forgotten, "buckets", func(w *lab, c caller) act {
		b := give[keyhatch.Bucket](w)(w.Broker.Buckets.Register(w.ctx, w.Admin, buckets.Existing{Workspace: w.ws.ID, Store: w.Store.ID, Name: w.name()}))
		return func() error { return w.Broker.Buckets.Unregister(w.ctx, c, "", b.ID) }
	}},
	{"see a bucket", "                      ok        ok        ok        ok        ok        hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.Buckets.Bucket(w.ctx, c, "", w.bucket.ID)) }
	}},
	{"see a bucket by name", "              ok        ok        ok        ok        ok        hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.Buckets.Bucket(w.ctx, c, w.ws.ID, w.bucket.Name)) }
	}},
	{"list buckets", "                      ok        ok        ok        ok        ok        hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.Buckets.Buckets(w.ctx, c, w.ws.ID, page)) }
	}},

	{"hand a bucket over", "                ok        ok        ok        ok        forbidden hidden    hidden    hidden", places.BucketUpdated, "buckets", func(w *lab, c caller) act {
		b := give[keyhatch.Bucket](w)(w.Broker.Buckets.Register(w.ctx, w.Admin, buckets.Existing{Workspace: w.ws.ID, Store: w.Store.ID, Name: w.name()}))
		return func() error {
			return only(w.Broker.Buckets.Update(w.ctx, c, "", b.ID, buckets.Change{Owner: &w.bystander.User.ID}))
		}
	}},

	// access keys                          admin     confined  owner     wsadmin   member    keeper    guest     stranger
	{"make an access key", "                ok        ok        ok        ok        ok        hidden    hidden    hidden", accesskeys.Created, "access_keys", func(w *lab, c caller) act {
		n := w.key()
		return func() error { return only(w.Broker.AccessKeys.Create(w.ctx, c, n)) }
	}},
	{"make one for a bucket", "             ok        ok        ok        ok        forbidden hidden    hidden    hidden", accesskeys.Created, "access_key_rights", func(w *lab, c caller) act {
		n := w.key()
		n.Rights.Read = []string{w.bucket.Name}
		return func() error { return only(w.Broker.AccessKeys.Create(w.ctx, c, n)) }
	}},
	{"make one for all buckets", "          ok        ok        ok        ok        forbidden hidden    hidden    hidden", accesskeys.Created, "access_keys", func(w *lab, c caller) act {
		n := w.key()
		n.Rights.ReadAll = true
		return func() error { return only(w.Broker.AccessKeys.Create(w.ctx, c, n)) }
	}},
	{"change another's access key", "       ok        ok        ok        ok        hidden    hidden    hidden    hidden", accesskeys.Updated, "access_keys", func(w *lab, c caller) act {
		k, name := w.newKey(), w.name()
		return func() error {
			return only(w.Broker.AccessKeys.Update(w.ctx, c, "", k.ID, accesskeys.Change{Name: &name}))
		}
	}},
	{"issue a pair for it", "               ok        ok        ok        ok        hidden    hidden    hidden    hidden", accesskeys.Issued, "access_key_pairs", func(w *lab, c caller) act {
		k := w.newKey()
		return func() error {
			_, _, err := w.Broker.AccessKeys.Issue(w.ctx, c, "", k.ID, 0)
			return err
		}
	}},
	{"delete it", "                         ok        ok        ok        ok        hidden    hidden    hidden    hidden", accesskeys.Deleted, "access_keys", func(w *lab, c caller) act {
		k := w.newKey()
		return func() error { return w.Broker.AccessKeys.Delete(w.ctx, c, "", k.ID) }
	}},
	{"see it", "                            ok        ok        ok        ok        hidden    hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		k := w.newKey()
		return func() error { return only(w.Broker.AccessKeys.Key(w.ctx, c, w.ws.ID, k.Name)) }
	}},
	{"see it with names", "                 ok        ok        ok        ok        hidden    hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		k := w.newKey()
		return func() error { return only(w.Broker.AccessKeys.DescribedKey(w.ctx, c, w.ws.ID, k.Name)) }
	}},
	{"list them with names", "              ok        ok        ok        ok        ok        hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		return func() error {
			return only(w.Broker.AccessKeys.DescribedKeys(w.ctx, c, accesskeys.Filter{Workspace: w.ws.ID}, page))
		}
	}},
	{"list access keys", "                  ok        ok        ok        ok        ok        hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		return func() error {
			return only(w.Broker.AccessKeys.Keys(w.ctx, c, accesskeys.Filter{Workspace: w.ws.ID}, page))
		}
	}},

	// locations and grants                 admin     confined  owner     wsadmin   member    keeper    guest     stranger
	{"create a location", "                 ok        ok        ok        ok        forbidden hidden    hidden    hidden", places.LocationCreated, "locations", func(w *lab, c caller) act {
		name := w.name()
		n := places.NewLocation{Workspace: w.ws.ID, URL: "s3://lab/" + name + "/", Name: name}
		return func() error { return only(w.Broker.Places.CreateLocation(w.ctx, c, n)) }
	}},
	{"lock a location", "                   ok        ok        ok        ok        hidden    ok        forbidden hidden", places.LocationUpdated, "locations", func(w *lab, c caller) act {
		l, _ := w.newLocation()
		yes := true
		return func() error {
			return only(w.Broker.Places.UpdateLocation(w.ctx, c, "", l.ID, places.LocationChange{Locked: &yes}))
		}
	}},
	{"confine a location to networks", "    ok        ok        ok        ok        hidden    ok        forbidden hidden", places.LocationUpdated, "locations", func(w *lab, c caller) act {
		l, _ := w.newLocation()
		networks := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		return func() error {
			return only(w.Broker.Places.UpdateLocation(w.ctx, c, "", l.ID, places.LocationChange{Networks: &networks}))
		}
	}},
	{"set a location's terms", "            ok        ok        ok        ok        hidden    ok        forbidden hidden", terms.WereSet, "terms", func(w *lab, c caller) act {
		l, _ := w.newLocation()
		return func() error { return only(w.Broker.Terms.Set(w.ctx, c, "", l.ID, "Terms", "Be kind.")) }
	}},
	{"see a location's terms", "            ok        ok        ok        ok        hidden    ok        ok        hidden", "", "", func(w *lab, c caller) act {
		l, _ := w.newLocation()
		w.must(only(w.Broker.Terms.Set(w.ctx, w.Admin, "", l.ID, "Terms", "Be kind.")))
		return func() error { return only(w.Broker.Terms.Show(w.ctx, c, "", l.ID)) }
	}},
	{"accept terms with a token", "         forbidden forbidden forbidden forbidden hidden    forbidden forbidden hidden", terms.WereAccepted, "terms_accepted", func(w *lab, c caller) act {
		l, _ := w.newLocation()
		asked := give[terms.Asked](w)(w.Broker.Terms.Set(w.ctx, w.Admin, "", l.ID, "Terms", "Be kind."))
		return func() error { return only(w.Broker.Terms.Accept(w.ctx, c, "", l.ID, asked.Version)) }
	}},
	{"list who accepted terms", "           ok        ok        ok        ok        hidden    ok        forbidden hidden", "", "", func(w *lab, c caller) act {
		l, _ := w.newLocation()
		w.must(only(w.Broker.Terms.Set(w.ctx, w.Admin, "", l.ID, "Terms", "Be kind.")))
		return func() error { return only(w.Broker.Terms.Acceptances(w.ctx, c, "", l.ID, page)) }
	}},
	{"become a location's owner", "         ok        ok        ok        ok        hidden    -         forbidden hidden", places.LocationUpdated, "locations", func(w *lab, c caller) act {
		l, _ := w.newLocation()
		return func() error {
			return only(w.Broker.Places.UpdateLocation(w.ctx, c, "", l.ID, places.LocationChange{Owner: &c.User.ID}))
		}
	}},
	{"take the mark from the default", "    ok        ok        ok        ok        hidden    forbidden forbidden hidden", places.LocationUpdated, "locations", func(w *lab, c caller) act {
		l, _ := w.newLocation()
		yes, no := true, false
		w.must(only(w.Broker.Places.UpdateLocation(w.ctx, w.Admin, "", l.ID, places.LocationChange{Default: &yes})))
		return func() error {
			return only(w.Broker.Places.UpdateLocation(w.ctx, c, "", l.ID, places.LocationChange{Default: &no}))
		}
	}},
	{"create a location of a teamspace", "  ok        ok        ok        ok        forbidden hidden    hidden    hidden", places.LocationCreated, "locations", func(w *lab, c caller) act {
		name := w.name()
		n := places.NewLocation{Workspace: w.ws.ID, Teamspace: w.newTeamspaceOf(c, keyhatch.OwnerRole).ID, URL: "s3://lab/" + name + "/", Name: name}
		return func() error { return only(w.Broker.Places.CreateLocation(w.ctx, c, n)) }
	}},
	{"create a storage setting", "          ok        ok        ok        ok        forbidden hidden    hidden    hidden", places.LocationCreated, "locations", func(w *lab, c caller) act {
		n := w.newSetting("").beside(w.name())
		return func() error { return only(w.Broker.Places.CreateSetting(w.ctx, c, n)) }
	}},
	{"create one in a teamspace of one's", " ok       ok        ok        ok        forbidden hidden    hidden    hidden", places.LocationCreated, "locations", func(w *lab, c caller) act {
		n := w.newSetting(w.newTeamspaceOf(c, keyhatch.OwnerRole).ID).beside(w.name())
		return func() error { return only(w.Broker.Places.CreateSetting(w.ctx, c, n)) }
	}},
	{"rename a storage setting", "          ok        ok        ok        ok        hidden    hidden    hidden    hidden", places.LocationUpdated, "locations", func(w *lab, c caller) act {
		s, name := w.newSetting(""), w.name()
		return func() error {
			return w.Broker.Places.UpdateSetting(w.ctx, c, w.ws.ID, "", s.made.ID, places.SettingChange{Name: &name})
		}
	}},
	{"delete a storage setting", "          ok        ok        ok        ok        hidden    hidden    hidden    hidden", places.LocationDeleted, "locations", func(w *lab, c caller) act {
		s := w.newSetting("")
		w.must(only(w.Broker.Places.CreateSetting(w.ctx, w.Admin, s.beside(w.name())))) // the bucket stays
		return func() error { return w.Broker.Places.DeleteSetting(w.ctx, c, w.ws.ID, "", s.made.ID) }
	}},
	{"see one of a private teamspace of one's", " ok  ok        ok        ok        hidden    hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		of := w.newTeamspaceOf(c, keyhatch.ViewerRole).ID
		s := w.newSetting(of)
		return func() error { return only(w.Broker.Places.Setting(w.ctx, c, w.ws.ID, of, s.made.ID)) }
	}},
	{"list storage settings", "             ok        ok        ok        ok        ok        hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.Places.Settings(w.ctx, c, w.ws.ID, "")) }
	}},
	{"delete a location", "                 ok        ok        ok        ok        hidden    ok        forbidden hidden", places.LocationDeleted, "locations", func(w *lab, c caller) act {
		l, _ := w.newLocation()
		return func() error { return w.Broker.Places.DeleteLocation(w.ctx, c, "", l.ID) }
	}},
	{"see a location", "                    ok        ok        ok        ok        hidden    ok        ok        hidden", "", "", func(w *lab, c caller) act {
		l, _ := w.newLocation()
		return func() error { return only(w.Broker.Places.Location(w.ctx, c, "", l.ID)) }
	}},
	{"list locations", "                    ok        ok        ok        ok        ok        -         ok        hidden", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.Places.Locations(w.ctx, c, w.ws.ID, page)) }
	}},
	{"give a grant", "                      ok        ok        ok        ok        hidden    ok        forbidden hidden", places.GrantGiven, "grants", func(w *lab, c caller) act {
		l, _ := w.newLocation()
		n := places.NewGrant{Location: l.ID, Subject: keyhatch.SubjectUser, Name: c.User.ID, Access: keyhatch.Write}
		return func() error { return only(w.Broker.Places.GiveGrant(w.ctx, c, n)) }
	}},
	{"widen a grant", "                     ok        ok        ok        ok        hidden    ok        forbidden hidden", places.GrantUpdated, "grants", func(w *lab, c caller) act {
		_, g := w.newLocation()
		write := keyhatch.Write
		return func() error {
			return only(w.Broker.Places.UpdateGrant(w.ctx, c, g.ID, places.GrantChange{Access: &write}))
		}
	}},
	{"take a grant", "                      ok        ok        ok        ok        hidden    ok        forbidden hidden", places.GrantTaken, "grants", func(w *lab, c caller) act {
		_, g := w.newLocation()
		return func() error { return w.Broker.Places.TakeGrant(w.ctx, c, g.ID) }
	}},
	{"see a grant", "                       ok        ok        ok        ok        hidden    ok        ok        hidden", "", "", func(w *lab, c caller) act {
		_, g := w.newLocation()
		return func() error { return only(w.Broker.Places.Grant(w.ctx, c, g.ID)) }
	}},
	{"list a location's object requests", " ok        ok        ok        ok        hidden    ok        forbidden hidden", "", "", func(w *lab, c caller) act {
		l, _ := w.newLocation()
		return func() error {
			return only(w.Broker.Places.ObjectRequests(w.ctx, c, places.ObjectRequestFilter{Location: l.ID}, page))
		}
	}},
	{"list a location's grants", "          ok        ok        ok        ok        hidden    -         ok        hidden", "", "", func(w *lab, c caller) act {
		l, _ := w.newLocation()
		return func() error { return only(w.Broker.Places.Grants(w.ctx, c, "", l.ID, page)) }
	}},
	{"ask who can use a location", "        ok        ok        ok        ok        hidden    ok        forbidden hidden", "", "", func(w *lab, c caller) act {
		l, _ := w.newLocation()
		return func() error { return whoCan(w, c, past.WhoCanRequest{Location: l.ID}) }
	}},
	{"ask that about an address in it", "   ok        ok        ok        ok        hidden    ok        forbidden hidden", "", "", func(w *lab, c caller) act {
		l, _ := w.newLocation()
		return func() error {
			return whoCan(w, c, past.WhoCanRequest{Workspace: w.ws.ID, Location: l.URL().String() + "x"})
		}
	}},
	{"ask who could use one that is gone", "ok        ok        ok        ok        hidden    hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		l, at := w.goneLocation()
		return func() error { return whoCan(w, c, past.WhoCanRequest{Location: l.ID, At: at}) }
	}},
	{"ask about what was at an address", "   ok        ok        ok        ok        hidden    hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		l, at := w.goneLocation()
		return func() error {
			return whoCan(w, c, past.WhoCanRequest{Workspace: w.ws.ID, Location: l.URL().String(), At: at})
		}
	}},

	// leases                               admin     confined  owner     wsadmin   member    keeper    guest     stranger
	{"borrow a lease", "                    forbidden forbidden forbidden forbidden hidden    forbidden ok        hidden", lending.LeaseLent, "leases", func(w *lab, c caller) act {
		l, _ := w.newLocation()
		return func() error {
			return only(w.Broker.Lending.Lease(w.ctx, c, lending.LeaseRequest{Location: l.ID, Access: keyhatch.Read}))
		}
	}},
	{"borrow one for writing", "            forbidden forbidden forbidden forbidden hidden    forbidden forbidden hidden", lending.LeaseLent, "leases", func(w *lab, c caller) act {
		l, _ := w.newLocation()
		return func() error {
			return only(w.Broker.Lending.Lease(w.ctx, c, lending.LeaseRequest{Location: l.ID, Access: keyhatch.Write}))
		}
	}},
	{"see the guest's lease", "             ok        ok        ok        ok        hidden    hidden    ok        hidden", "", "", func(w *lab, c caller) act {
		l := w.newLease()
		return func() error { return only(w.Broker.Lending.LeaseByID(w.ctx, c, l.ID)) }
	}},
	{"revoke the guest's lease", "          ok        ok        ok        ok        hidden    hidden    ok        hidden", lending.LeaseRevoked, "leases", func(w *lab, c caller) act {
		l := w.newLease()
		return func() error { return w.Broker.Lending.RevokeLease(w.ctx, c, l.ID) }
	}},
	{"list one's leases", "                 ok        ok        ok        ok        ok        ok        ok        ok", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.Lending.Leases(w.ctx, c, lending.LeaseFilter{}, page)) }
	}},
	{"list the workspace's leases", "       ok        ok        ok        ok        ok        hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		return func() error {
			return only(w.Broker.Lending.Leases(w.ctx, c, lending.LeaseFilter{Workspace: w.ws.ID}, page))
		}
	}},

	// keys                                 admin     confined  owner     wsadmin   member    keeper    guest     stranger
	{"list the data keys", "                ok        forbidden forbidden forbidden forbidden forbidden forbidden forbidden", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.Keys.Keys(w.ctx, c)) }
	}},
	{"rotate data keys", "                  ok        forbidden forbidden forbidden forbidden forbidden forbidden forbidden", keys.Rotated, "keysets", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.Keys.Rotate(w.ctx, c, []string{"columns"})) }
	}},

	// events                               admin     confined  owner     wsadmin   member    keeper    guest     stranger
	{"see an event of the workspace", "     ok        ok        ok        ok        hidden    hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		w.newGroup()
		e := w.newestEvent()
		return func() error { return only(w.Broker.Record.Event(w.ctx, c, e.ID)) }
	}},
	{"see an event of the installation", "  ok        hidden    hidden    hidden    hidden    hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		w.newUser()
		e := w.newestEvent()
		return func() error { return only(w.Broker.Record.Event(w.ctx, c, e.ID)) }
	}},
	{"list the workspace's events", "       ok        ok        ok        ok        ok        hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		return func() error {
			return only(w.Broker.Record.Events(w.ctx, c, record.EventFilter{Workspace: w.ws.ID}, page))
		}
	}},
	{"list one's events", "                 ok        ok        ok        ok        ok        ok        ok        ok", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.Record.Events(w.ctx, c, record.EventFilter{}, page)) }
	}},
})

func whoCan(w *lab, c caller, r past.WhoCanRequest) error {
	r.Access = keyhatch.Read
	return only(w.Broker.Past.WhoCan(w.ctx, c, r))
}
