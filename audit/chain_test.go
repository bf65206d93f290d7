package audit_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/audit"
	"pgregory.net/rapid"
)

func TestLinkNumbersAndHashes(t *testing.T) {
	c := audit.NewChain("chain_1", 3, mac)
	before := c.Head()
	if before.Chain != "chain_1" || before.Number != 3 || before.Seq != 0 || len(before.Hash) != 0 {
		t.Errorf("the head of nothing: %+v", before)
	}
	seen := map[string]bool{}
	for n := int64(1); n <= 3; n++ {
		in := event(1, 1)
		in.Chain, in.Seq, in.Hash = "another", 99, keyhatch.Hash("forged")
		out := c.Link(in)
		if out.Chain != "chain_1" || out.Seq != n || len(out.Hash) != sha256Size || seen[string(out.Hash)] {
			t.Errorf("event %d: %+v", n, out)
		}
		seen[string(out.Hash)] = true
		in.Chain, in.Seq, in.Hash = out.Chain, out.Seq, out.Hash
		if diff := cmp.Diff(in, out); diff != "" {
			t.Errorf("other fields changed (-in +out):\n%s", diff)
		}
		if h := c.Head(); h.Seq != n || !bytes.Equal(h.Hash, out.Hash) || bytes.Equal(h.Sign, before.Sign) {
			t.Errorf("head after event %d: %+v", n, h)
		}
	}
}

const sha256Size = 32

// TestACopiedChainGoesBack: a transaction that failed leaves no trace.
func TestACopiedChainGoesBack(t *testing.T) {
	c := audit.NewChain("chain_1", 1, mac)
	c.Link(event(1, 1))
	saved := c
	wanted := c.Link(event(1, 2))
	c = saved
	c.Link(event(1, 9)) // fails to commit
	c = saved
	if diff := cmp.Diff(wanted, c.Link(event(1, 2))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHashesDependOnTheKeyAndTheChain(t *testing.T) {
	mine, theirs := audit.NewChain("chain_1", 1, mac), audit.NewChain("chain_1", 1, keyed("another"))
	other := audit.NewChain("chain_2", 1, mac)
	a, b, c := mine.Link(event(1, 1)), theirs.Link(event(1, 1)), other.Link(event(1, 1))
	if bytes.Equal(a.Hash, b.Hash) || bytes.Equal(a.Hash, c.Hash) {
		t.Error("another key or chain gives the same hash")
	}
	if bytes.Equal(mine.Head().Sign, theirs.Head().Sign) {
		t.Error("another key signs a head alike")
	}
	if bytes.Equal(audit.NewRegistry(1, mac).Sign, audit.NewRegistry(1, keyed("another")).Sign) ||
		bytes.Equal(audit.NewRegistry(1, mac).Sign, audit.NewRegistry(2, mac).Sign) {
		t.Error("another key or number signs a registry alike")
	}
}

// fields are the parts of an event that are hashed, with the hash before.
type fields struct {
	before, chain string
	text          [8]string // id, workspace, user, token, address, request, action, target
	detail        [][2]string
	micros        int64
}

// encoded is what of the fields goes into the hash.
func (f fields) encoded() string {
	var data []byte
	c := audit.NewChain(f.chain, 1, func(b []byte) keyhatch.Hash { data = b; return keyhatch.Hash(f.before) })
	if f.before != "" {
		c.Link(keyhatch.Event{}) // its hash is the one before
	}
	e := keyhatch.Event{
		ID: f.text[0], At: time.UnixMicro(f.micros), Workspace: f.text[1], User: f.text[2], Token: f.text[3], Address: f.text[4],
		RequestID: f.text[5], Action: keyhatch.Action(f.text[6]), Target: f.text[7], Detail: map[string]string{},
	}
	for _, d := range f.detail {
		e.Detail[d[0]] = d[1]
	}
	c.Link(e)
	return string(data)
}

func TestFieldsAreSplitInOneWay(t *testing.T) {
	a, b := fields{}, fields{}
	a.text[1], a.text[2] = "a", "b"
	b.text[1], b.text[2] = "ab", ""
	if a.encoded() == b.encoded() {
		t.Error(`workspace "a" and user "b" are hashed like workspace "ab" and no user`)
	}
	// Moving text over the border of two fields always shows.
	rapid.Check(t, func(t *rapid.T) {
		f := drawFields(t)
		row := [...]*string{&f.chain, &f.text[0], &f.text[1], &f.text[2], &f.text[3], &f.text[4], &f.text[5], &f.text[6], &f.text[7]}
		before := f.encoded()
		i := rapid.IntRange(0, len(row)-2).Draw(t, "field")
		if *row[i] == "" {
			*row[i] = "x"
			before = f.encoded()
		}
		cut := rapid.IntRange(0, len(*row[i])-1).Draw(t, "cut")
		*row[i], *row[i+1] = (*row[i])[:cut], (*row[i])[cut:]+*row[i+1]
		if f.encoded() == before {
			t.Fatalf("%+v is hashed as before", f)
		}
	})
}

func TestDifferentEventsAreHashedDifferently(t *testing.T) {
	same, different := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		a := drawFields(t)
		b := a
		switch rapid.IntRange(0, 4).Draw(t, "change") {
		case 1:
			b = drawFields(t)
		case 2: // a detail's name and value change places, or two details melt
			b.detail = nil
			for _, d := range a.detail {
				b.detail = append(b.detail, [2]string{d[1], d[0]})
			}
		case 3:
			if len(a.detail) == 2 {
				b.detail = [][2]string{{a.detail[0][0], a.detail[0][1] + a.detail[1][0] + a.detail[1][1]}}
			}
		case 4: // from the details into the target
			if len(a.detail) > 0 {
				b.text[7] += a.detail[0][0]
				b.detail = append([][2]string{{"", a.detail[0][1]}}, a.detail[1:]...)
			}
		}
		equal := a.plain() == b.plain()
		if got := a.encoded() == b.encoded(); got != equal {
			t.Fatalf("%+v and %+v: equal %t, hashed alike %t", a, b, equal, got)
		}
		if equal {
			same++
		} else {
			different++
		}
	})
	if same == 0 || different == 0 {
		t.Errorf("%d equal, %d different: too few to tell", same, different)
	}
}

// plain is the fields in Go's notation, in which nothing is ambiguous.
func (f fields) plain() string {
	detail := map[string]string{}
	for _, d := range f.detail {
		detail[d[0]] = d[1]
	}
	return fmt.Sprintf("%q %q %q %q %d", f.before, f.chain, f.text, detail, f.micros)
}

func drawFields(t *rapid.T) fields {
	text := rapid.StringOfN(rapid.SampledFrom([]rune("ab\x00\x01\x04")), 0, 4, -1)
	f := fields{before: text.Draw(t, "before"), chain: text.Draw(t, "chain"), micros: rapid.Int64Range(-3, 3).Draw(t, "at")}
	for i := range f.text {
		f.text[i] = text.Draw(t, "text")
	}
	for range rapid.IntRange(0, 2).Draw(t, "details") {
		f.detail = append(f.detail, [2]string{text.Draw(t, "name"), text.Draw(t, "value")})
	}
	return f
}

// TestSignedThingsAreApart: an event, a head and the registry can never be hashed
// from the same bytes, so that none can be passed off as another.
func TestSignedThingsAreApart(t *testing.T) {
	var data []byte
	capture := func(b []byte) keyhatch.Hash { data = append(data[:0], b...); return nil }
	c := audit.NewChain("chain_1", 1, capture)
	c.Link(event(1, 1))
	asEvent := bytes.Clone(data)
	c.Head()
	asHead := bytes.Clone(data)
	audit.NewRegistry(1, capture)
	for name, pair := range map[string][2][]byte{
		"event and head": {asEvent, asHead}, "event and registry": {asEvent, data}, "head and registry": {asHead, data},
	} {
		// All of them carry a length in four bytes and a word.
		a, b := pair[0], pair[1]
		if bytes.Equal(a[:8], b[:8]) {
			t.Errorf("%s begin alike: %q, %q", name, a[:12], b[:12])
		}
	}
}
