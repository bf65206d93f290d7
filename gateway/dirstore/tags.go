package dirstore

import (
	"net/http"

	"github.com/keyhatch/keyhatch/gateway/s3wire"
)

func (s *Store) getTags(_ http.ResponseWriter, r *request) (any, error) {
	o, err := s.tree.Stat(r.bucket, r.key)
	if err != nil {
		return nil, err
	}
	tags, err := s3wire.ParseTags(o.Header[s3wire.TagsHeader])
	return tagsDocument{Namespace: s3Namespace, TagSet: &tagSet{tags}}, err
}

func (s *Store) putTags(_ http.ResponseWriter, r *request) (any, error) {
	var asked tagsDocument
	if err := readDocument(r, &asked); err != nil {
		return nil, err
	}
	if asked.TagSet == nil {
		return nil, errMalformedXML
	}
	if err := s3wire.CheckTags(asked.TagSet.Tags); err != nil {
		return nil, err
	}
	return nil, s.tree.SetHeader(r.bucket, r.key, s3wire.TagsHeader, s3wire.FormatTags(asked.TagSet.Tags))
}

func (s *Store) deleteTags(_ http.ResponseWriter, r *request) (any, error) {
	return nil, s.tree.SetHeader(r.bucket, r.key, s3wire.TagsHeader, "")
}
