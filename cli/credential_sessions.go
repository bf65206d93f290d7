package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/cli/times"
)

// sessions say how a credential's sessions are asked for at stores that lend sts.
type sessions struct {
	LongestSession times.Span        `placeholder:"TIME" help:"How long the store lets a session last: of a role its maximum session duration. Default: not known; an hour is sure."`
	SessionName    *string           `placeholder:"TEXT" help:"How sessions are called in the store's own record; {user}, {client} and {vend} stand for themselves. Default: {user}@{client}."`
	SessionTag     map[string]string `placeholder:"NAME=TEXT" help:"A tag of each session; the role has to allow sts:TagSession. May be repeated; with none named, the tags stay."`
	SourceIdentity *bool             `negatable:"" help:"Give the store's record the id of each vend as its source identity; the role has to allow sts:SetSourceIdentity."`
	WebIdentity    *bool             `negatable:"" help:"Assume the role with the server's own web identity token; for installation admins."`
}

// over is what the flags say, over what is said already; nil: they say nothing.
func (f sessions) over(now *api.Sessions) *api.Sessions {
	if f.LongestSession.Duration == 0 && f.SessionName == nil && len(f.SessionTag) == 0 && f.SourceIdentity == nil && f.WebIdentity == nil {
		return nil
	}
	var out api.Sessions
	if now != nil {
		out = *now
	}
	if longest := f.LongestSession.WholeSeconds(); longest != nil {
		out.LongestSeconds = longest
	}
	if f.SessionName != nil {
		out.Name = *f.SessionName
	}
	if len(f.SessionTag) > 0 {
		out.Tags = f.SessionTag
	}
	if f.SourceIdentity != nil {
		out.SourceIdentity = *f.SourceIdentity
	}
	if f.WebIdentity != nil {
		out.WebIdentity = *f.WebIdentity
	}
	return &out
}

// sessionsOf is what is said of sessions in a line.
func sessionsOf(s *api.Sessions) string {
	if s == nil {
		return ""
	}
	var out []string
	if s.LongestSeconds != nil {
		out = append(out, "at most "+ask.Seconds(*s.LongestSeconds))
	}
	if s.Name != "" {
		out = append(out, "called "+s.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Tags)) {
		out = append(out, fmt.Sprintf("%s=%s", name, s.Tags[name]))
	}
	if words := joined(map[string]bool{"source-identity": s.SourceIdentity, "web-identity": s.WebIdentity}); words != "" {
		out = append(out, words)
	}
	return strings.Join(out, ", ")
}
