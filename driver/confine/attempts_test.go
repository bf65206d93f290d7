package confine

import (
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
)

// TestProvenBy: whoever tries more, or other things, says whether what was proven before is
// enough still. If it is, the new attempt is named here alone; if a store may fail it that
// lends today, keyhatch.ProvenBy is another one, and all are verified again.
func TestProvenBy(t *testing.T) {
	const (
		by  = "3"
		all = "put_inside get_inside list_inside multipart_inside delete_inside" +
			" get_sibling put_sibling get_without_slash list_without_slash get_outside put_outside delete_outside multipart_outside copy_from_outside" +
			" list_what_holds_it list_bucket_root traversal encoded_traversal batch_delete_by_traversal batch_delete_by_dot batch_delete_by_two_dots" +
			" get_with_read list_with_read from_here from_elsewhere from_forged_address put_with_read multipart_with_read batch_delete_with_read delete_with_read" +
			" get_in_other_bucket put_in_other_bucket list_other_bucket altered_token published works_still"
	)
	var names []string
	for _, a := range attempts {
		names = append(names, a.name)
	}
	if got := strings.Join(names, " "); got != all || keyhatch.ProvenBy != by {
		t.Errorf("proven by %s with %s", keyhatch.ProvenBy, got)
	}
}
