package accesskeys

import (
	"context"
	"errors"
	"slices"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
)

// Described is a key as formats tell of it in which stores and buckets have names and no
// ids. What the caller may not see is called by its id.
type Described struct {
	keyhatch.AccessKey
	StoreName   string
	Read, Write []string // names of buckets
	Endpoint    string   // where its pairs are used
}

// Endpoint is where the keys of our own S3 endpoint are used.
func (svc *Service) Endpoint() string { return svc.endpoint }

// DescribedKey is Key with names.
func (svc *Service) DescribedKey(ctx context.Context, c keyhatch.Caller, workspace, ref string) (Described, error) {
	d := svc.describing(ctx, c)
	key, _, err := visible(d.View, workspace, ref)
	if err != nil {
		return Described{}, err
	}
	return d.describe(key)
}

// DescribedKeys is Keys with names.
func (svc *Service) DescribedKeys(ctx context.Context, c keyhatch.Caller, f Filter, p kernel.Page) (out kernel.List[Described], err error) {
	keys, err := svc.Keys(ctx, c, f, p)
	if err != nil {
		return out, err
	}
	d := svc.describing(ctx, c)
	out.Next = keys.Next
	for _, key := range keys.Items {
		one, err := d.describe(key)
		if err != nil {
			return out, err
		}
		out.Items = append(out.Items, one)
	}
	return out, nil
}

// describing remembers what several keys are about.
type describing struct {
	kernel.View
	endpoint string
	stores   map[string]keyhatch.Store
	names    map[string]string // of buckets, by id
}

func (svc *Service) describing(ctx context.Context, c keyhatch.Caller) describing {
	return describing{svc.k.View(ctx, c), svc.endpoint, map[string]keyhatch.Store{}, map[string]string{}}
}

// describe tells of a key that the caller may see.
func (d describing) describe(key keyhatch.AccessKey) (out Described, err error) {
	store, err := d.store(key.Store)
	if err != nil {
		return out, err
	}
	out = Described{AccessKey: key, StoreName: store.Name, Endpoint: d.endpoint}
	if store.ID != "" && store.Keys != keyhatch.KeysOwn { // it holds the key to its rights itself
		out.Endpoint = store.Endpoint
	}
	if out.Read, err = d.buckets(key.Rights.Read, store); err != nil {
		return out, err
	}
	out.Write, err = d.buckets(key.Rights.Write, store)
	return out, err
}

// store is the one of the id. One that the caller may not see has its id for a name, and
// nothing else.
func (d describing) store(id string) (s keyhatch.Store, err error) {
	s, ok := d.stores[id]
	if ok {
		return s, nil
	}
	if s, err = d.Store(d.Ctx, id); err == nil {
		err = d.MustSeeStore(s, keyhatch.CodeStoreNotFound)
	}
	if errors.Is(err, keyhatch.NotFound) {
		s, err = keyhatch.Store{Name: id}, nil
	}
	d.stores[id] = s
	return s, err
}

// buckets are the names of buckets on a store.
func (d describing) buckets(ids []string, on keyhatch.Store) (out []string, err error) {
	out = make([]string, 0, len(ids))
	for _, id := range ids {
		name, ok := d.names[id]
		if !ok {
			b, err := d.Bucket(d.Ctx, id)
			switch {
			case err != nil:
				return nil, err
			case on.ID == "" && b.Owner != d.Caller.User.ID:
				name = id
			default:
				name = b.Name
			}
			d.names[id] = name
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return out, nil
}
