package auth

import (
	"cmp"
	"context"
	"net/http"
)

// workspaceHeader says in which workspace a signed token is used that may be used in
// several.
const workspaceHeader = "X-Keyhatch-Workspace"

type workspaceKey struct{}

// InWorkspace notes for the guard in which workspace a request is, by id or name; empty: it
// does not say. It matters for signed tokens alone that may be used in several.
func InWorkspace(ctx context.Context, workspace string) context.Context {
	return context.WithValue(ctx, workspaceKey{}, workspace)
}

// AskedWorkspace is the workspace that a request says: in the header, else in the query's
// parameter workspace.
func AskedWorkspace(r *http.Request) string {
	return cmp.Or(r.Header.Get(workspaceHeader), r.URL.Query().Get("workspace"))
}

func workspaceOf(ctx context.Context) string {
	workspace, _ := ctx.Value(workspaceKey{}).(string)
	return workspace
}
