package seal

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// ErrTicket: the ticket is not one of ours, or was given for another purpose.
var ErrTicket = errors.New("not a ticket of this installation for this purpose")

// maxTicket bounds what is decoded.
const maxTicket = 16 << 10

// SealTicket seals a text that somebody else keeps for a while: a browser, or a row that ends by itself. Each
// server of the installation opens it, for the same purpose. It ends with its data key, which goes some time after
// a rotation: whoever keeps it has to be able to begin again. Whether it is too old is told by what is in it.
func (r *Keyring) SealTicket(purpose, text string) (string, error) {
	sealed, err := r.state.Load().sessions.Encrypt([]byte(text), ticketContext(purpose))
	if err != nil {
		return "", fmt.Errorf("seal ticket: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

// OpenTicket opens what SealTicket has sealed for the purpose. Whatever is wrong with it, the error is ErrTicket.
func (r *Keyring) OpenTicket(purpose, ticket string) (string, error) {
	if len(ticket) > maxTicket || strings.ContainsAny(ticket, "\r\n") { // which Go's base64 skips
		return "", ErrTicket
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(ticket)
	if err != nil {
		return "", ErrTicket
	}
	text, err := r.sessionKeys(sealed).sessions.Decrypt(sealed, ticketContext(purpose))
	if err != nil {
		return "", ErrTicket
	}
	return string(text), nil
}

// ticketContext keeps a ticket from being passed off as a session token, and as a ticket for anything else.
func ticketContext(purpose string) []byte { return []byte("keyhatch ticket|" + purpose) }
