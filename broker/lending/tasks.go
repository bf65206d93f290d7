package lending

import (
	"errors"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/mirror"
)

// allowsTask refuses a task's token where the credential that acts for the store was
// not allowed in tasks at the time. A store without a credential, a folder, is open
// to them.
func allowsTask(t keyhatch.Token, s keyhatch.Store, image *mirror.Image, at time.Time) error {
	if _, task := t.OfTask(); !task || s.Credential == "" {
		return nil
	}
	c, err := image.Credential(s.Credential)
	if err != nil && !errors.Is(err, keyhatch.NotFound) {
		return err
	}
	if err == nil && c.AllowedInTasks() && !c.TasksSince.After(at) {
		return nil
	}
	return kernel.NotForTasks()
}
