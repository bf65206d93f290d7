package tiledb

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy"
)

const base = "/v4/"

// route is a line of the table.
type route struct {
	method string
	path   string // below base; "{workspace}" and "{name}" stand for one segment each
	// old marks the paths of March 2025, in which the header workspaceHeader stands for
	// the workspace. Without that header they mean something else.
	old    bool
	noun   string // of the native API, whose scopes open it; of several, all are asked for
	status int
	run    func(*Door, *call) (any, error)
}

// workspaceHeader is how the first clients named the workspace.
const workspaceHeader = "X-TILEDB-WORKSPACE-ID"

const (
	asksCredentials = "credentials"
	asksWorkspaces  = "workspaces"
	asksTeamspaces  = "teamspaces"
	asksTokens      = "tokens"
	asksUsers       = "users"
	asksLocations   = "locations"
	asksSettings    = "locations buckets stores" // what is made and removed with one
)

// routes are those of the wire: credentials in the three forms that clients were
// published with, the newest first.
var routes = []route{
	{"GET", "credentials/{workspace}", false, asksCredentials, 200, (*Door).listCredentials},
	{"POST", "credentials/{workspace}", false, asksCredentials, 201, (*Door).createCredential},
	{"GET", "credentials/{workspace}/{name}", false, asksCredentials, 200, (*Door).getCredential},
	{"PATCH", "credentials/{workspace}/{name}", false, asksCredentials, 204, (*Door).updateCredential},
	{"DELETE", "credentials/{workspace}/{name}", false, asksCredentials, 204, (*Door).deleteCredential},
	{"POST", "actions/credentials/verify", false, asksCredentials, 200, (*Door).verifyCredential},

	{"POST", "credentials/{workspace}/verify", false, asksCredentials, 200, (*Door).verifyCredential},

	{"GET", "credentials", true, asksCredentials, 200, (*Door).listCredentials},
	{"POST", "credentials", true, asksCredentials, 201, (*Door).createCredential},
	{"GET", "credentials/{name}", true, asksCredentials, 200, (*Door).getCredential},
	{"PATCH", "credentials/{name}", true, asksCredentials, 204, (*Door).updateCredential},
	{"DELETE", "credentials/{name}", true, asksCredentials, 204, (*Door).deleteCredential},
	{"POST", "credentials/verify", true, asksCredentials, 200, (*Door).verifyCredential},

	{"GET", "workspaces/{workspace}", false, asksWorkspaces, 200, (*Door).getWorkspace},
	{"GET", "teamspaces/{workspace}", false, asksTeamspaces, 200, (*Door).listTeamspaces},
	{"POST", "teamspaces/{workspace}", false, asksTeamspaces, 201, (*Door).createTeamspace},
	{"GET", "teamspaces/{workspace}/{name}", false, asksTeamspaces, 200, (*Door).getTeamspace},
	{"DELETE", "teamspaces/{workspace}/{name}", false, asksTeamspaces, 204, (*Door).deleteTeamspace},
	{"GET", "storagesettings/{workspace}", false, asksLocations, 200, (*Door).listSettings},
	{"POST", "storagesettings/{workspace}", false, asksSettings, 201, (*Door).createSetting},
	{"GET", "storagesettings/{workspace}/{name}", false, asksLocations, 200, (*Door).getSetting},
	{"PATCH", "storagesettings/{workspace}/{name}", false, asksSettings, 204, (*Door).updateSetting},
	{"DELETE", "storagesettings/{workspace}/{name}", false, asksSettings, 204, (*Door).deleteSetting},
	{"GET", "tokens", false, asksTokens, 200, (*Door).listTokens},
	{"POST", "tokens", false, asksTokens, 201, (*Door).createToken},
	{"DELETE", "tokens/{name}", false, asksTokens, 204, (*Door).revokeToken},
	{"GET", "users/self", false, asksUsers, 200, (*Door).self},
}

// scopes are the route as scopes see it, as a call of each noun.
func (t route) scopes(r *http.Request) (first policy.Route, also []policy.Route) {
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	for noun := range strings.FieldsSeq(t.noun) {
		also = append(also, policy.Route{Method: r.Method, Path: r.URL.Path, Noun: noun, Reads: reads})
	}
	return also[0], also[1:]
}

// find tells what a request asks, and what its path names. Names are percent-encoded
// in paths, slashes too, so that it is the escaped path that is taken apart.
func find(r *http.Request) (route, *call, error) {
	segments, ok := split(r)
	if !ok {
		return route{}, nil, errRoute
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	there := false
	for _, old := range generations(r) {
		for _, t := range routes {
			if t.old != old {
				continue
			}
			c, fits := t.match(segments)
			there = there || fits
			if fits && t.method == method {
				if t.old {
					c.workspace = r.Header.Get(workspaceHeader)
				}
				return t, c, nil
			}
		}
	}
	if there {
		return route{}, nil, errMethod
	}
	return route{}, nil, errRoute
}

// generations are whether a path is read as in March 2025: of a request with the
// header only so where it can be, since a name stood where the workspace stands now.
func generations(r *http.Request) []bool {
	if r.Header.Get(workspaceHeader) != "" {
		return []bool{true, false}
	}
	return []bool{false}
}

// split takes the path apart. Empty segments and those of dots name nothing.
func split(r *http.Request) ([]string, bool) {
	segments := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), base), "/")
	for i, s := range segments {
		plain, err := url.PathUnescape(s)
		if err != nil || plain == "" || plain == "." || plain == ".." {
			return nil, false
		}
		segments[i] = plain
	}
	return segments, true
}

func (t route) match(segments []string) (*call, bool) {
	pattern := strings.Split(t.path, "/")
	if len(pattern) != len(segments) {
		return nil, false
	}
	c := &call{}
	for i, want := range pattern {
		switch want {
		case "{workspace}":
			c.workspace = segments[i]
		case "{name}":
			c.name = segments[i]
		case segments[i]:
		default:
			return nil, false
		}
	}
	return c, true
}

func allowedOn(r *http.Request) (out []string) {
	segments, _ := split(r)
	for _, old := range generations(r) {
		for _, t := range routes {
			if _, fits := t.match(segments); fits && t.old == old && !slices.Contains(out, t.method) {
				out = append(out, t.method)
			}
		}
	}
	slices.Sort(out)
	return out
}

// in is the place that a call is about: the workspace of its path and the teamspace of
// its query. A teamspace of another workspace is not there.
func (d *Door) in(c *call) (workspace keyhatch.Workspace, teamspace string, err error) {
	workspace, err = d.people.Workspace(c.ctx, c.caller, c.workspace)
	if err != nil {
		return workspace, "", err
	}
	if ref := c.query.Get("teamspace_id"); ref != "" {
		s, err := d.teamspaceIn(c, workspace, ref)
		return workspace, s.ID, err
	}
	return workspace, "", nil
}

func (d *Door) teamspaceIn(c *call, workspace keyhatch.Workspace, ref string) (keyhatch.Teamspace, error) {
	s, err := d.people.Teamspace(c.ctx, c.caller, workspace.ID, ref)
	if err == nil && s.Workspace != workspace.ID {
		err = keyhatch.NotFoundError(keyhatch.CodeTeamspaceNotFound)
	}
	if err != nil {
		return keyhatch.Teamspace{}, err
	}
	return s, nil
}
