package limit

import (
	"context"
	"errors"
	"io"
	"sync"
)

// Memory bounds the bytes of documents that are held at a time, of all together and
// of each who asks for them. Who would hold more is refused at once: to wait with
// what one holds already could be for each other. It is safe for concurrent use.
type Memory struct {
	all, each int64

	mu   sync.Mutex
	held int64
	most int64
	by   map[string]int64 // by whose they are
}

// NewMemory bounds the bytes of all and of each.
func NewMemory(all, each int64) *Memory {
	return &Memory{all: all, each: each, by: map[string]int64{}}
}

var (
	// ErrNoMemory is that of a document for which there is no room at the moment.
	ErrNoMemory = errors.New("too many long documents are held at the moment")
	// ErrTooLong is that of a document that is longer than it may be.
	ErrTooLong = errors.New("the document is too long")
)

// Held tells how many bytes are held now, and were at most.
func (m *Memory) Held() (now, most int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.held, m.most
}

func (m *Memory) take(whose string, n int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n > m.all-m.held || n > m.each-m.by[whose] {
		return ErrNoMemory
	}
	m.held += n
	m.most = max(m.most, m.held)
	m.by[whose] += n
	return nil
}

func (m *Memory) give(whose string, n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held -= n
	if m.by[whose] -= n; m.by[whose] == 0 {
		delete(m.by, whose)
	}
}

// free is how much of a document is not counted: most have no more, and to refuse
// one would be to forget what was done.
const free = 4 << 10

// Buffer is a document that grows, as far as there is memory for it. It is not safe
// for concurrent use.
type Buffer struct {
	memory *Memory
	whose  string
	most   int
	text   []byte
}

// Buffer makes an empty one of at most so many bytes, for whoever the context tells.
// Free must be called when it is not needed any more.
func (m *Memory) Buffer(ctx context.Context, most int) *Buffer {
	whose, _ := ctx.Value(asker{}).(string)
	return &Buffer{memory: m, whose: whose, most: most}
}

// Bytes is what is in it, until Free or the next write.
func (b *Buffer) Bytes() []byte { return b.text }

// Free gives its memory back.
func (b *Buffer) Free() {
	b.memory.give(b.whose, counted(b.text))
	b.text = nil
}

// counted is how much of a text counts: what it takes, not what is in it.
func counted(text []byte) int64 {
	if cap(text) <= free {
		return 0
	}
	return int64(cap(text))
}

// Write adds to it, or fails with ErrNoMemory or ErrTooLong and adds nothing.
func (b *Buffer) Write(p []byte) (int, error) {
	if err := b.grow(len(p)); err != nil {
		return 0, err
	}
	b.text = append(b.text, p...)
	return len(p), nil
}

// ReadFrom adds all that can be read. It fails with the reader's error, or as Write.
func (b *Buffer) ReadFrom(r io.Reader) (int64, error) {
	begun := len(b.text)
	for {
		if len(b.text) == b.most { // whether that was all
			var more [1]byte
			n, err := io.ReadFull(r, more[:])
			switch {
			case n > 0:
				return int64(len(b.text) - begun), ErrTooLong
			case err == io.EOF:
				err = nil
			}
			return int64(len(b.text) - begun), err
		}
		if err := b.grow(1); err != nil {
			return int64(len(b.text) - begun), err
		}
		n, err := r.Read(b.text[len(b.text):cap(b.text)])
		b.text = b.text[:len(b.text)+n]
		if err == io.EOF {
			return int64(len(b.text) - begun), nil
		}
		if err != nil {
			return int64(len(b.text) - begun), err
		}
	}
}

// grow makes room for n more. While it moves, the old and the new room both count.
func (b *Buffer) grow(n int) error {
	need := len(b.text) + n
	if need > b.most {
		return ErrTooLong
	}
	if need <= cap(b.text) {
		return nil
	}
	room := max(free, min(b.most, max(need, 2*cap(b.text))))
	text := make([]byte, 0, min(room, free))
	if room > free {
		if err := b.memory.take(b.whose, int64(room)); err != nil {
			return err
		}
		text = make([]byte, 0, room)
	}
	text = append(text, b.text...)
	b.Free()
	b.text = text
	return nil
}

// asker is where a context keeps who asks.
type asker struct{}

// As tells whose the documents are that are held for a request.
func As(ctx context.Context, whose string) context.Context {
	return context.WithValue(ctx, asker{}, whose)
}
