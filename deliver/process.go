package deliver

import (
	"encoding/json"
	"io"

	"github.com/keyhatch/keyhatch/api"
)

// WriteProcess writes what a credential_process prints. With its Expiration, a
// client runs the process again when it needs to.
func WriteProcess(w io.Writer, l api.Lent) error {
	if err := CheckLent(l); err != nil {
		return err
	}
	text, err := json.Marshal(struct {
		Version         int
		AccessKeyId     string
		SecretAccessKey string
		SessionToken    string
		Expiration      string
	}{1, l.AccessKeyID, l.SecretAccessKey, l.SessionToken, expiration(l)})
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}
