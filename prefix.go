package keyhatch

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxKeyBytes is the longest object key that S3 knows.
const MaxKeyBytes = 1024

// Prefix is a folder of a bucket: empty for the whole bucket, else one or more
// segments, each followed by a slash ("data/2024/"). Because it always ends at a
// path boundary, "data/a/" never holds "data/ab" (S3).
type Prefix string

// ParsePrefix reads a prefix. A missing last slash is added: "data/a" names the
// folder, never the keys that begin with those letters. Refused are a leading
// slash, empty segments, "." and "..", control characters, text that is not
// UTF-8, and more than MaxKeyBytes bytes.
func ParsePrefix(s string) (Prefix, error) {
	if s == "" {
		return "", nil
	}
	if !strings.HasSuffix(s, "/") {
		s += "/"
	}
	if err := checkSegments(s); err != nil {
		return "", err
	}
	if strings.ContainsFunc(s, unicode.IsControl) {
		return "", Fail(Invalid, CodeInvalidPrefix, "a prefix must not hold control characters")
	}
	return Prefix(s), nil
}

// CheckKey tells whether an object key may be used: it has no empty, "." or
// ".." segment (one slash may end it, which makes it a folder marker), no NUL,
// is UTF-8 and at most MaxKeyBytes long.
func CheckKey(key string) error {
	if key == "" {
		return Fail(Invalid, CodeInvalidPrefix, "an object key must not be empty")
	}
	return checkSegments(key)
}

func checkSegments(s string) error {
	switch {
	case len(s) > MaxKeyBytes:
		return Fail(Invalid, CodeInvalidPrefix, "a key or prefix has at most %d bytes", MaxKeyBytes)
	case !utf8.ValidString(s):
		return Fail(Invalid, CodeInvalidPrefix, "a key or prefix must be UTF-8")
	case strings.ContainsRune(s, 0):
		return Fail(Invalid, CodeInvalidPrefix, "a key or prefix must not hold a NUL")
	}
	for segment := range strings.SplitSeq(strings.TrimSuffix(s, "/"), "/") {
		switch segment {
		case "":
			return Fail(Invalid, CodeInvalidPrefix, "a key or prefix must not begin with a slash or hold an empty segment")
		case ".", "..":
			return Fail(Invalid, CodeInvalidPrefix, `a key or prefix must not hold "." or ".." as a segment`)
		}
	}
	return nil
}

// Holds tells whether the object key lies inside p. The folder marker, the key
// that equals p itself, does.
func (p Prefix) Holds(key string) bool { return strings.HasPrefix(key, string(p)) }

// Covers tells whether everything in q lies inside p.
func (p Prefix) Covers(q Prefix) bool { return p.Holds(string(q)) }

// FolderOf is the folder that a key lies in; a folder marker lies in the folder itself.
func FolderOf(key string) Prefix { return Prefix(key[:strings.LastIndexByte(key, '/')+1]) }

// Join puts a prefix that is relative to p behind it, read with the rules of
// ParsePrefix: it cannot lead out of p.
func (p Prefix) Join(relative string) (Prefix, error) {
	inner, err := ParsePrefix(relative)
	if err != nil {
		return "", err
	}
	return ParsePrefix(string(p) + string(inner))
}

// Overlaps tells whether some key could lie in both.
func (p Prefix) Overlaps(q Prefix) bool { return p.Covers(q) || q.Covers(p) }

// Ancestors yields the prefixes that cover p, from the bucket's root to p
// itself.
func (p Prefix) Ancestors() []Prefix {
	out := []Prefix{""}
	for i := range len(p) {
		if p[i] == '/' {
			out = append(out, p[:i+1])
		}
	}
	return out
}

// S3URL names a folder of a bucket: s3://bucket/prefix/.
type S3URL struct {
	Bucket string
	Prefix Prefix
}

const s3Scheme = "s3://"

// IsS3URL tells whether s is meant as an S3 URL.
func IsS3URL(s string) bool { return strings.HasPrefix(s, s3Scheme) }

// ParseS3URL reads "s3://bucket/prefix/" with the rules of ParsePrefix and
// CheckBucketName. Nothing is decoded: "%2F" is three characters.
func ParseS3URL(s string) (S3URL, error) {
	rest, ok := strings.CutPrefix(s, s3Scheme)
	if !ok {
		return S3URL{}, Fail(Invalid, CodeInvalidPrefix, "an S3 location is written s3://bucket/prefix/")
	}
	bucket, path, _ := strings.Cut(rest, "/")
	if err := CheckBucketName(bucket); err != nil {
		return S3URL{}, err
	}
	prefix, err := ParsePrefix(path)
	if err != nil {
		return S3URL{}, err
	}
	return S3URL{Bucket: bucket, Prefix: prefix}, nil
}

// String is the URL with its last slash.
func (u S3URL) String() string { return s3Scheme + u.Bucket + "/" + string(u.Prefix) }
