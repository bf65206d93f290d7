package past

import (
	"maps"
	"time"

	"github.com/keyhatch/keyhatch"
)

// workspaceCreated: it begins with its maker as its owner.
func (s *State) workspaceCreated(e keyhatch.Event) error {
	return s.putRole(e.Target, e.User, keyhatch.OwnerRole, e.At)
}

// workspaceDeleted: nothing belonged to it any more but its members.
func (s *State) workspaceDeleted(e keyhatch.Event) error {
	delete(s.Roles, e.Target)
	return nil
}

func (s *State) workspaceMemberPut(e keyhatch.Event) error {
	return s.putRole(e.Workspace, e.Target, keyhatch.Role(e.Detail["role"]), e.At)
}

func (s *State) putRole(workspace, user string, role keyhatch.Role, at time.Time) error {
	if _, ok := s.Users[user]; !ok {
		return errUnknown
	}
	if s.Roles[workspace] == nil {
		s.Roles[workspace] = map[string]keyhatch.Role{}
	}
	if _, is := s.Roles[workspace][user]; !is {
		s.memberSince[member{workspace, user}] = at
	}
	s.Roles[workspace][user] = role
	return nil
}

func (s *State) dropRole(workspace, user string) {
	delete(s.Roles[workspace], user)
	delete(s.memberSince, member{workspace, user})
	if len(s.Roles[workspace]) == 0 {
		delete(s.Roles, workspace)
	}
}

// workspaceMemberRemoved: with the membership go those of the workspace's groups
// and teamspaces, and the workspace's grants that name the user.
func (s *State) workspaceMemberRemoved(e keyhatch.Event) error {
	if _, ok := s.Users[e.Target]; !ok {
		return errUnknown
	}
	s.dropRole(e.Workspace, e.Target)
	for circle := range maps.Clone(s.circlesOf[e.Target]) {
		if s.Circles[circle].Workspace == e.Workspace {
			s.leave(circle, e.Target)
		}
	}
	for id := range maps.Clone(s.grantsTo[keyhatch.Subject{Kind: keyhatch.SubjectUser, ID: e.Target}]) {
		if s.Grants[id].Workspace == e.Workspace {
			s.dropGrant(id)
		}
	}
	return nil
}
