package ask

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/term"
)

// Progress tells a person at a terminal, in a line that is written over, what a
// command waits for. Others are told nothing.
type Progress struct {
	to    Streams
	from  time.Time // before it nothing is told
	shown bool
	on    bool
}

// NewProgress tells nothing to whom it does not take longer than that.
func NewProgress(s Streams, after time.Duration) *Progress {
	f, ok := s.Err.(*os.File)
	return &Progress{to: s, from: time.Now().Add(after), on: ok && term.IsTerminal(int(f.Fd()))}
}

// Tell says what is going on.
func (p *Progress) Tell(text string) {
	if p.on && time.Now().After(p.from) {
		p.shown = true
		fmt.Fprintf(p.to.Err, "\r\x1b[K%s", Printable(text))
	}
}

// End takes the line away.
func (p *Progress) End() {
	if p.shown {
		fmt.Fprint(p.to.Err, "\r\x1b[K")
	}
}
