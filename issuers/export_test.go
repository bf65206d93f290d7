package issuers

// FillRoom takes all the room for signatures that are checked at a time, and returns what
// gives it back.
func (v *Verifier) FillRoom() (empty func()) {
	for range cap(v.room) {
		v.room <- struct{}{}
	}
	return func() {
		for range cap(v.room) {
			<-v.room
		}
	}
}

// ReadSet is for fuzzing.
func ReadSet(text []byte) (n int, err error) {
	keys, err := readSet(text)
	return len(keys), err
}
