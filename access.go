package keyhatch

// Access is what may be done with the objects under a prefix.
type Access string

// The levels. Write includes Read.
const (
	Read  Access = "read"  // get and list
	Write Access = "write" // read, and put, delete, multipart uploads and tagging
)

// ParseAccess reads "read" or "write".
func ParseAccess(s string) (Access, error) {
	switch a := Access(s); a {
	case Read, Write:
		return a, nil
	}
	return "", Fail(Invalid, CodeInvalidRequest, `access must be "read" or "write"`).In("access")
}

// Covers tells whether somebody who has a also has b.
func (a Access) Covers(b Access) bool {
	switch a {
	case Write:
		return b == Write || b == Read
	case Read:
		return b == Read
	}
	return false
}
