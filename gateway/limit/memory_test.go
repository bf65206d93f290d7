package limit

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// TestMemoryIsBounded: whatever is written to buffers in whatever order, what they
// take is what is counted, and never more than the bound; what was refused is not
// half there, and in the end nothing is held.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const all, each, most = 300 << 10, 100 << 10, 70 << 10
		m := NewMemory(all, each)
		asks := []context.Context{context.Background(), As(context.Background(), "a"), As(context.Background(), "b"), As(context.Background(), "c"), As(context.Background(), "d")}
		var buffers []*Buffer
		var whose []int
		t.Repeat(map[string]func(*rapid.T){
			"new": func(t *rapid.T) {
				who := rapid.IntRange(0, len(asks)-1).Draw(t, "who")
				buffers, whose = append(buffers, m.Buffer(asks[who], most)), append(whose, who)
			},
			"write": func(t *rapid.T) {
				if len(buffers) == 0 {
					t.Skip()
				}
				b := rapid.SampledFrom(buffers).Draw(t, "buffer")
				n := rapid.IntRange(0, 40<<10).Draw(t, "bytes")
				before := len(b.Bytes())
				wrote, err := b.Write(make([]byte, n))
				switch {
				case err == nil && (wrote != n || len(b.Bytes()) != before+n):
					t.Fatalf("%d of %d bytes were written", wrote, n)
				case err != nil && len(b.Bytes()) != before:
					t.Fatalf("%v, and there are %d bytes instead of %d", err, len(b.Bytes()), before)
				case errors.Is(err, ErrTooLong) != (before+n > most):
					t.Fatalf("%d bytes after %d: %v", n, before, err)
				}
			},
			"free": func(t *rapid.T) {
				if len(buffers) > 0 {
					rapid.SampledFrom(buffers).Draw(t, "buffer").Free()
				}
			},
			"": func(t *rapid.T) {
				var taken int64
				by := map[int]int64{}
				for i, b := range buffers {
					if cap(b.text) > free {
						taken += int64(cap(b.text))
						by[whose[i]] += int64(cap(b.text))
					}
				}
				now, top := m.Held()
				if now != taken || top > all {
					t.Fatalf("%d bytes are taken, %d counted, %d at most", taken, now, top)
				}
				for who, n := range by {
					if n > each {
						t.Fatalf("%d bytes are taken for %d", n, who)
					}
				}
			},
		})
		for _, b := range buffers {
			b.Free()
		}
		if now, _ := m.Held(); now != 0 || len(m.by) != 0 {
			t.Fatalf("%d bytes are held by nobody", now)
		}
	})
}

// TestMemoryOfEach: one who holds all that one may leaves room for others, and what
// is short needs none.
func TestMemoryOfEach(t *testing.T) {
	t.Parallel()
	m := NewMemory(4<<20, 1<<20)
	greedy := m.Buffer(As(t.Context(), "greedy"), 1<<20)
	defer greedy.Free()
	if _, err := greedy.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	for who, want := range map[string]error{"greedy": ErrNoMemory, "modest": nil} {
		for length, want := range map[int]error{free: nil, free + 1: want} {
			b := m.Buffer(As(t.Context(), who), 1<<20)
			if _, err := b.Write(make([]byte, length)); err != want {
				t.Errorf("%s, %d bytes: %v, want %v", who, length, err, want)
			}
			b.Free()
		}
	}
}

// TestBufferReads: a reader is read to its end, and no further than a document may
// be long.
func TestBufferReads(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		from io.Reader
		want int
		err  error
	}{
		"nothing":           {strings.NewReader(""), 0, nil},
		"short":             {strings.NewReader("abc"), 3, nil},
		"byte by byte":      {iotest.OneByteReader(bytes.NewReader(make([]byte, 10_000))), 10_000, nil},
		"end with the data": {iotest.DataErrReader(bytes.NewReader(make([]byte, 10_000))), 10_000, nil},
		"just all":          {bytes.NewReader(make([]byte, 20_000)), 20_000, nil},
		"one too many":      {bytes.NewReader(make([]byte, 20_001)), 20_000, ErrTooLong},
		"broken":            {io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(broken)), 3, broken},
		"broken at the end": {io.MultiReader(bytes.NewReader(make([]byte, 20_000)), iotest.ErrReader(broken)), 20_000, broken},
	} {
		b := NewMemory(1<<20, 1<<20).Buffer(t.Context(), 20_000)
		if n, err := b.ReadFrom(c.from); err != c.err || int(n) != c.want || len(b.Bytes()) != c.want {
			t.Errorf("%s: %d bytes, %d of them there, %v", name, n, len(b.Bytes()), err)
		}
	}
	b := NewMemory(10_000, 10_000).Buffer(t.Context(), 20_000)
	if _, err := b.ReadFrom(bytes.NewReader(make([]byte, 20_000))); err != ErrNoMemory {
		t.Errorf("without room: %v", err)
	}
}

// TestMemoryIsShared: many at once are counted right.
func TestMemoryIsShared(t *testing.T) {
	t.Parallel()
	m := NewMemory(1<<20, 1<<20)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			for range 20 {
				b := m.Buffer(t.Context(), 1<<20)
				_, _ = b.ReadFrom(bytes.NewReader(make([]byte, 200_000)))
				b.Free()
			}
		})
	}
	all.Wait()
	if now, most := m.Held(); now != 0 || most > 1<<20 || most == 0 {
		t.Errorf("%d bytes are held, %d were", now, most)
	}
}
