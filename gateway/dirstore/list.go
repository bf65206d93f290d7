package dirstore

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/keyhatch/keyhatch/gateway/dirstore/tree"
	"github.com/keyhatch/keyhatch/gateway/s3wire"
)

const maxPage = 1000

// listing is what all lists have in common.
type listing struct {
	prefix, delimiter, encoding string
	most                        int
}

// readListing reads the common parameters. most names the one that bounds the
// page.
func readListing(r *request, most string) (l listing, err error) {
	l = listing{prefix: r.query.Get("prefix"), delimiter: r.query.Get("delimiter"), encoding: r.query.Get("encoding-type")}
	if l.encoding != "" && l.encoding != "url" {
		return l, invalidArgument("Invalid Encoding Method specified in Request.")
	}
	l.most, err = number(r, most, maxPage, maxPage)
	return l, err
}

// number reads a bound from the query.
func number(r *request, name string, otherwise, most int) (int, error) {
	text := r.query.Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 0 {
		return 0, invalidArgument("A number in the query is not an integer that is not negative and within the integer range.")
	}
	return min(int(n), most), nil
}

// encode is a name as the list shows it. S3 encodes like a form, but for the
// slashes, and like Java in which other characters it spares.
func (l listing) encode(name string) string {
	if l.encoding == "" {
		return name
	}
	return asJava.Replace(url.QueryEscape(name))
}

var asJava = strings.NewReplacer("%2F", "/", "%2A", "*", "~", "%7E")

func (l listing) prefixes(common []string) []prefixEntry {
	var out []prefixEntry
	for _, p := range common {
		out = append(out, prefixEntry{l.encode(p)})
	}
	return out
}

// objects reads a page of objects behind the marker, and tells it so far as all
// lists do. belongs is the owner, nil where S3 does not tell it. A page of nothing
// is not asked for: it would have nothing to go on from.
func (s *Store) objects(r *request, name, marker string, belongs *owner) (out listDocument, l listing, page tree.Page, err error) {
	if l, err = readListing(r, "max-keys"); err == nil && l.most > 0 {
		page, err = s.tree.List(r.Context(), r.bucket, tree.Query{Prefix: l.prefix, Delimiter: l.delimiter, Marker: marker, Max: l.most})
	}
	out = listDocument{
		XMLName: s3Name(name), Name: r.bucket, Prefix: l.encode(l.prefix), MaxKeys: l.most, Delimiter: l.encode(l.delimiter),
		EncodingType: l.encoding, IsTruncated: page.Truncated, CommonPrefixes: l.prefixes(page.Prefixes),
	}
	for _, e := range page.Entries {
		out.Contents = append(out.Contents, objectEntry{
			Key: l.encode(e.Key), LastModified: timeElement(e.Modified), ETag: tagElement(e.ETag), Size: e.Size,
			Owner: belongs, StorageClass: standard,
		})
	}
	return out, l, page, err
}

func (s *Store) listObjects(_ http.ResponseWriter, r *request) (any, error) {
	marker := r.query.Get("marker")
	out, l, page, err := s.objects(r, "ListBucketResult", marker, &keyhatchOwner)
	if err != nil {
		return nil, err
	}
	out.Marker = new(l.encode(marker))
	if l.delimiter != "" { // without, the last key is the next marker
		out.NextMarker = l.encode(page.Next)
	}
	return out, nil
}

func (s *Store) listObjectsV2(_ http.ResponseWriter, r *request) (document any, err error) {
	after, token := r.query.Get("start-after"), r.query.Get("continuation-token")
	marker := after
	if r.query.Has("continuation-token") {
		if marker, err = readToken(r, token); err != nil {
			return nil, err
		}
	}
	var belongs *owner
	if r.query.Get("fetch-owner") == "true" {
		belongs = &keyhatchOwner
	}
	out, l, page, err := s.objects(r, "ListBucketResult", marker, belongs)
	if err != nil {
		return nil, err
	}
	out.StartAfter, out.ContinuationToken, out.KeyCount = l.encode(after), token, new(len(page.Entries)+len(page.Prefixes))
	if page.Truncated {
		out.NextContinuationToken = makeToken(r, page.Next)
	}
	return out, nil
}

// listVersions lists the objects as what they are in a bucket without versions:
// each its own latest.
func (s *Store) listVersions(_ http.ResponseWriter, r *request) (any, error) {
	marker, version := r.query.Get("key-marker"), r.query.Get("version-id-marker")
	if version != "" && (version != s3wire.NullVersion || marker == "") {
		return nil, invalidArgument("A version-id marker is null here, and stands beside a key marker.")
	}
	out, l, page, err := s.objects(r, "ListVersionsResult", marker, &keyhatchOwner)
	if err != nil {
		return nil, err
	}
	out.KeyMarker, out.VersionIDMarker, out.NextKeyMarker = new(l.encode(marker)), &version, l.encode(page.Next)
	out.Versions, out.Contents = out.Contents, nil
	for i := range out.Versions {
		out.Versions[i].VersionID, out.Versions[i].IsLatest = s3wire.NullVersion, true
	}
	if n := len(page.Entries); n > 0 && page.Next == page.Entries[n-1].Key { // and not a common prefix
		out.NextVersionIDMarker = s3wire.NullVersion
	}
	return out, nil
}

// makeToken makes the continuation token of a list that stopped at a name: the
// name, behind a sum of it and of what was asked. The sum has no key, so that a
// list goes on in another process: a token opens nothing that start-after would
// not, and only has to be refused where it would mislead.
func makeToken(r *request, at string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "list %q %q %q %q", r.bucket, r.query.Get("prefix"), r.query.Get("delimiter"), at))
	return base64.RawURLEncoding.EncodeToString(append(sum[:tokenSum], at...))
}

const tokenSum = 12 // bytes

// readToken returns the name in a token of the same list.
func readToken(r *request, token string) (string, error) {
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil && len(text) > tokenSum && makeToken(r, string(text[tokenSum:])) == token {
		return string(text[tokenSum:]), nil
	}
	return "", invalidArgument("The continuation token provided is incorrect.")
}

// headBucket says that there is such a bucket: the request has come this far.
func (s *Store) headBucket(w http.ResponseWriter, _ *request) (any, error) {
	w.Header().Set("Content-Type", "application/xml")
	return nil, nil
}

// getBucketLocation answers for the region that S3 gives no name, us-east-1: a
// folder is in none.
func (s *Store) getBucketLocation(_ http.ResponseWriter, _ *request) (any, error) {
	return struct{ XMLName xml.Name }{s3Name("LocationConstraint")}, nil
}
