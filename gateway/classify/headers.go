package classify

import (
	"net/http"
	"strings"

	"github.com/keyhatch/keyhatch/gateway/s3wire"
)

// What is kept with an object is checked here for every store alike: they differ
// in what they would take.

func checkMetadata(h http.Header) error {
	_, err := s3wire.Metadata(h)
	return err
}

func checkTagHeader(h http.Header) error {
	_, err := s3wire.HeaderTags(h)
	return err
}

// checkRange refuses several ranges in one request, which stores answer in many
// ways, none of them S3's.
func checkRange(h http.Header) error {
	if strings.Contains(strings.Join(h.Values("Range"), ","), ",") {
		return errRanges
	}
	return nil
}
