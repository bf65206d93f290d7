package dirstore

import (
	"net/http"

	"github.com/keyhatch/keyhatch/gateway/dirstore/checksum"
	"github.com/keyhatch/keyhatch/gateway/dirstore/tree"
	"github.com/keyhatch/keyhatch/gateway/s3wire"
)

// source opens what a copy reads, if its conditions hold. It tells whether that is
// what the request writes.
func (s *Store) source(r *request) (o *tree.Object, itself bool, err error) {
	from, err := s3wire.ParseSource(r.Header.Get(s3wire.SourceHeader))
	if err != nil {
		return nil, false, err
	}
	if from.Version != "" && from.Version != s3wire.NullVersion {
		return nil, false, errNoSuchVersion
	}
	if o, err = s.tree.Open(from.Bucket, from.Key); err != nil {
		return nil, false, err
	}
	if holds(r.Header, "X-Amz-Copy-Source-", o.Record) != nil {
		o.Close()
		return nil, false, errPrecondition
	}
	return o, from.Bucket == r.bucket && from.Key == r.key, nil
}

// copyObject makes an object of another, or of itself with another description.
func (s *Store) copyObject(_ http.ResponseWriter, r *request) (any, error) {
	o, itself, err := s.source(r)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	if o.Size > s3wire.MaxObject {
		return nil, errSourceTooLarge
	}
	kept, err := copied(r.Header, o.Record, itself)
	if err != nil {
		return nil, err
	}
	check, err := writeCheck(r.Header, true)
	if err != nil {
		return nil, err
	}
	body := bytesOf(r.Context(), o, span{0, o.Size})
	if err := body.sumAsked(r.Header, kept); err != nil {
		return nil, err
	}
	rec, err := s.tree.Put(r.bucket, r.key, kept, body, o.Size, check)
	if err != nil {
		return nil, err
	}
	out := copyDocument{XMLName: s3Name("CopyObjectResult"), LastModified: timeElement(rec.Modified()), ETag: tagElement(rec.ETag)}
	out.Checksum = checksum.Elements(rec.Header)
	return out, nil
}

// sumAsked adds the checksum that a copy is to be kept with, if it names one: it
// takes the place of the source's.
func (b *body) sumAsked(h http.Header, kept map[string]string) error {
	name := h.Get(checksum.AlgorithmHeader)
	if name == "" {
		return nil
	}
	header, begun, ok := checksum.New(name)
	if !ok {
		return invalidArgument("The checksum algorithm is not one that this store has.")
	}
	b.sums, b.kept = []sum{{Hash: begun, header: header}}, kept
	return nil
}

// copyPart makes a part of an upload of an object or a range of it.
func (s *Store) copyPart(_ http.ResponseWriter, r *request) (any, error) {
	u, number, err := s.uploadOf(r)
	if err != nil {
		return nil, err
	}
	o, _, err := s.source(r)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	part := span{0, o.Size}
	if text := r.Header.Get("X-Amz-Copy-Source-Range"); text != "" {
		if part, err = parseSourceRange(text, o.Size); err != nil {
			return nil, err
		}
	}
	if part.length > s3wire.MaxObject {
		return nil, errSourceTooLarge
	}
	made, err := u.PutPart(number, bytesOf(r.Context(), o, part), part.length)
	if err != nil {
		return nil, err
	}
	return copyDocument{XMLName: s3Name("CopyPartResult"), LastModified: timeElement(made.Modified), ETag: tagElement(made.ETag)}, nil
}
