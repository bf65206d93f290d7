package ground

import (
	"fmt"
	"time"

	"github.com/keyhatch/keyhatch"
)

// Now gives times a millisecond apart, so that ids sort in the order of their
// making, with microseconds that a table must keep.
func (s *Suite) Now() time.Time {
	s.ticks++
	return time.Date(2031, 2, 3, 4, 5, 6, 789_123_000, time.UTC).Add(time.Duration(s.ticks) * time.Millisecond)
}

// ID is a new one.
func (s *Suite) ID(kind keyhatch.IDKind) string { return keyhatch.NewID(kind, s.Now()) }

// Each of these makes a noun with every field set that is not yet stored.

// NewUser makes a user.
func (s *Suite) NewUser() keyhatch.User {
	id := s.ID(keyhatch.UserID)
	return keyhatch.User{
		ID: id, Name: "u-" + id, FullName: "Ünïcode 'quoted' \"Name\"", Email: "a@b.example", Admin: true, Active: true,
		ActiveSince: s.Now(), CreatedAt: s.Now(),
	}
}

// NewWorkspace makes a workspace.
func (s *Suite) NewWorkspace() keyhatch.Workspace {
	id := s.ID(keyhatch.WorkspaceID)
	return keyhatch.Workspace{ID: id, Name: "w-" + id, CreatedAt: s.Now()}
}

// NewGroup makes a group.
func (s *Suite) NewGroup(ws string) keyhatch.Group {
	id := s.ID(keyhatch.GroupID)
	return keyhatch.Group{ID: id, Workspace: ws, Name: "g-" + id, CreatedAt: s.Now()}
}

// NewEvent makes an event.
func (s *Suite) NewEvent() keyhatch.Event {
	return keyhatch.Event{
		ID: s.ID(keyhatch.EventID), At: s.Now(), Workspace: "ws", User: "user", Token: "tok", Address: "2001:db8::1", RequestID: "r",
		Action: "thing.do", Target: "target", Detail: map[string]string{"a": "1", "é": "\"2\""},
	}
}

func FirstError(steps ...func() error) error {
	for i, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return nil
}
