package credentials

import (
	"encoding/base64"
	"encoding/binary"
)

// Mark is what only this installation can make of a list of texts. It is for who
// acts on a store, to know again what the store has said.
func (svc *Service) Mark(parts ...string) string {
	return svc.mark("store's id", parts...)
}

// mark is one of the installation's over texts of one purpose.
func (svc *Service) mark(purpose string, parts ...string) string {
	var data []byte
	for _, part := range append([]string{"mark of a " + purpose}, parts...) { // no event begins with these words
		data = binary.BigEndian.AppendUint32(data, uint32(len(part)))
		data = append(data, part...)
	}
	return base64.RawURLEncoding.EncodeToString(svc.k.Keys.AuditMAC(data)[:16])
}
