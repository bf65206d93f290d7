package classify

import (
	"net/http"
	"slices"
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

// checkConditions refuses what a write would not be held to: an object that was to
// stay would be gone. S3 knows an entity tag, or that there is no object at all;
// of the source of a copy also a time, which stores pass over when it is none.
func checkConditions(op Operation, h http.Header) error {
	if op.Method == http.MethodGet || op.Method == http.MethodHead {
		return nil
	}
	for name := range h {
		if strings.HasPrefix(name, "If-") && !slices.Contains(op.conditions, name) {
			return errCondition
		}
	}
	if none := h["If-None-Match"]; none != nil && (!slices.Equal(none, []string{"*"}) || h["If-Match"] != nil) {
		return errCondition
	}
	if !op.Copies {
		return nil
	}
	for _, name := range []string{"X-Amz-Copy-Source-If-Modified-Since", "X-Amz-Copy-Source-If-Unmodified-Since"} {
		if at := h[name]; at != nil {
			if _, err := http.ParseTime(strings.Join(at, ",")); err != nil {
				return errTime
			}
		}
	}
	return nil
}
