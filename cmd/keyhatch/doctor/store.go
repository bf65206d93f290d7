package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/driver/s3buckets"
)

// atOnce is how many stores are asked at a time.
const atOnce = 8

// stores looks whether each can be served.
func stores(ctx context.Context, p *patient) []Finding {
	list, err := p.listStores(ctx)
	if err != nil {
		return one(failed("", err.Error(), "run doctor again; then look at the database"))
	}
	if len(list) == 0 {
		return one(ok("", "there are none"))
	}
	out := make([]Finding, len(list))
	var asking sync.WaitGroup
	turns := make(chan struct{}, atOnce)
	for n, s := range list {
		turns <- struct{}{}
		asking.Go(func() {
			defer func() { <-turns }()
			ctx, stop := context.WithTimeout(ctx, timeout)
			defer stop()
			out[n] = p.store(ctx, s)
			out[n].About = s.Name
		})
	}
	asking.Wait()
	return out
}

func (p *patient) listStores(ctx context.Context) ([]keyhatch.Store, error) {
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	return p.db.Stores(ctx, "", "", db.Everything)
}

func (p *patient) store(ctx context.Context, s keyhatch.Store) Finding {
	if s.Kind == keyhatch.DirectoryStore {
		return p.directoryStore(s)
	}
	if err := p.answers(ctx, s); err != nil {
		return failed("", fmt.Sprintf("%s does not answer: %v", s.Endpoint, err),
			"see that it runs and that this machine reaches it; one in a private network must be in outbound_networks")
	}
	keys, found, err := p.credential(ctx, s)
	if err != nil {
		return failed("", err.Error(), "give it another: keyhatch store update "+s.Name+" --credential ID")
	}
	if keys.AccessKeyID == "" {
		return remarked(s, found)
	}
	keeper := s3buckets.New(func(context.Context, keyhatch.Store) (keyhatch.KeyPair, error) { return keys, nil }, p.transport)
	err = keeper.Answers(ctx, s)
	var said *keyhatch.Error
	switch {
	case err == nil:
		return remarked(s, s.Endpoint+" answers, and takes its credential")
	case errors.As(err, &said) && said.Cause != nil && strings.Contains(said.Cause.Error(), "AccessDenied"):
		return warning("", s.Endpoint+" knows its credential, which may not list buckets", "where that is meant, all is well; docs/credentials.md tells which permissions it needs")
	case errors.As(err, &said) && said.Kind == keyhatch.Conflict:
		return failed("", fmt.Sprintf("%s: %s (%v)", s.Endpoint, said.Message, said.Cause), "see that its credential, region and endpoint are those of the store")
	}
	return failed("", s.Endpoint+": "+err.Error(), "look at the log of the store")
}

// remarked is a store that is served, and what an operator should know of it.
func remarked(s keyhatch.Store, found string) Finding {
	if s.InTheClear() {
		return warning("", found+"; objects, or secrets of its keys, can be read and changed on their way: an endpoint of it has no TLS", "give the store TLS and an https endpoint")
	}
	return ok("", found)
}

func (p *patient) directoryStore(s keyhatch.Store) Finding {
	at, err := filepath.EvalSymlinks(s.Path)
	if err != nil {
		return failed("", err.Error(), "put its folder back: what was in it is in no backup of Keyhatch")
	}
	for _, root := range p.config.DirectoryRoots {
		if real, err := filepath.EvalSymlinks(root); err == nil && inside(real, at) {
			f := folder(s.Path)
			f.Found = s.Path + ": " + f.Found
			return f
		}
	}
	return failed("", s.Path+" is in none of directory_roots, or leads out of them", "name the folder that it lies in as one of directory_roots")
}

// answers asks the store for anything, and notes its clock.
func (p *patient) answers(ctx context.Context, s keyhatch.Store) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoint, nil)
	if err != nil {
		return err
	}
	answer, err := p.transport.RoundTrip(request)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// credential opens that of the store. Keys are empty where there is nothing that can be asked
// with it, and found says why.
func (p *patient) credential(ctx context.Context, s keyhatch.Store) (keys keyhatch.KeyPair, found string, err error) {
	if s.Credential == "" {
		return keys, "", errors.New("it has no credential")
	}
	row, err := p.db.SealedCredential(ctx, s.Credential)
	if err != nil {
		return keys, "", err
	}
	if row.Kind == keyhatch.RoleCredential {
		return keys, s.Endpoint + " answers; its credential is a role, which `keyhatch store verify " + s.Name + "` tries", nil
	}
	secret, err := p.keys.OpenColumn(db.CredentialsTable, row.ID, db.SecretColumn, row.Sealed)
	if err != nil {
		return keys, "", fmt.Errorf("credential %s cannot be opened: %w", row.ID, err)
	}
	return keyhatch.KeyPair{AccessKeyID: row.Principal, SecretAccessKey: secret}, "", nil
}
