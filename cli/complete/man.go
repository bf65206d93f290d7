package complete

import (
	"fmt"

	"github.com/alecthomas/kong"
	mangokong "github.com/alecthomas/mango-kong"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/muesli/roff"
)

// Man prints the manual page, which is made of what --help says.
type Man struct{}

// Run prints it as roff.
func (Man) Run(s ask.Streams, app *kong.Kong) error {
	_, err := fmt.Fprint(s.Out, mangokong.NewManPage(1, app.Model).Build(roff.NewDocument()))
	return err
}
