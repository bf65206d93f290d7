package db

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
)

// An event whose id was taken failed its use case with "choose another name".
func TestTakenEventIDIsMadeAgain(t *testing.T) {
	d, err := Create(t.Context(), filepath.Join(t.TempDir(), "keyhatch.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.UseAuditKey(func(data []byte) keyhatch.Hash { return keyhatch.Hash(data[:min(len(data), 32)]) })
	if err := d.Write(t.Context(), func(tx *Tx) error { return tx.BeginRecord(t.Context()) }); err != nil {
		t.Fatal(err)
	}
	at, id, runs := time.UnixMicro(1), keyhatch.NewID(keyhatch.EventID, time.UnixMicro(1)), 0
	for range 2 {
		err := d.Write(t.Context(), func(tx *Tx) error {
			e := keyhatch.Event{ID: id, At: at}
			if runs++; runs > 2 {
				e.ID = keyhatch.NewID(keyhatch.EventID, at)
			}
			return tx.Record(t.Context(), e)
		})
		if err != nil {
			t.Error(err)
		}
	}
	if runs != 3 {
		t.Errorf("%d runs, want 3", runs)
	}
}
