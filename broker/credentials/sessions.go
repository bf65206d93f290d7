package credentials

import (
	"encoding/json"
	"reflect"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
)

// setSessions puts what is said of sessions into a row; nil leaves it.
func (svc *Service) setSessions(w *kernel.Work, row *db.SealedCredential, to *keyhatch.Sessions) error {
	fail := func(kind keyhatch.Kind, field, message string) error {
		return keyhatch.Fail(kind, keyhatch.CodeInvalidCredential, "%s", message).In("sessions." + field)
	}
	if to != nil {
		if err := to.Check(); err != nil {
			return err
		}
		// Every role that trusts the server's identity could be named, and every endpoint be
		// shown its token: the admin's word is for this role at this endpoint.
		if to.WebIdentity && !row.Sessions.WebIdentity {
			if err := w.MustInstall(); err != nil {
				return err
			}
			if svc.webIdentity == nil {
				return fail(keyhatch.Conflict, "web_identity", "the server has no web identity: set aws.web_identity_token_file in its configuration")
			}
		}
		row.Sessions = *to
	}
	switch ofAWS := row.Provider == keyhatch.AWS; {
	case row.Sessions.WebIdentity && (row.Kind != keyhatch.RoleCredential || !ofAWS):
		return fail(keyhatch.Invalid, "web_identity", "only roles are assumed with a web identity")
	case row.Sessions.SourceIdentity && ofAWS && row.Kind == keyhatch.KeysCredential && row.Endpoint == "":
		return fail(keyhatch.Invalid, "source_identity", "keys of AWS get federation tokens, which have no source identity: use a role")
	}
	return nil
}

// tell puts into an event what is said of sessions, and to whom the server shows its own
// token.
func tell(detail map[string]string, row db.SealedCredential) error {
	s := row.Sessions
	if reflect.DeepEqual(s, keyhatch.Sessions{}) {
		return nil
	}
	said, err := json.Marshal(struct {
		LongestSeconds int               `json:"longest_seconds,omitempty"`
		Name           string            `json:"name,omitempty"`
		SourceIdentity bool              `json:"source_identity,omitempty"`
		Tags           map[string]string `json:"tags,omitempty"`
		WebIdentity    bool              `json:"web_identity,omitempty"`
	}{int(s.Longest.Seconds()), s.Name, s.SourceIdentity, s.Tags, s.WebIdentity})
	if err != nil {
		return err
	}
	detail["sessions"] = string(said)
	if s.WebIdentity && row.Endpoint != "" {
		detail["endpoint"] = row.Endpoint
	}
	return nil
}
