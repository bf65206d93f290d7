package upstream

import (
	"bytes"
	"encoding/xml"
	"io"
	"net/http"
	"slices"
	"strings"
)

// pass hands the store's answer on.
func (s *Store) pass(w http.ResponseWriter, r *http.Request, answer *http.Response) {
	if answer.StatusCode >= http.StatusMultipleChoices && answer.StatusCode != http.StatusNotModified {
		refuse(w, s.refusal(answer))
		return
	}
	for name, values := range answer.Header {
		if isPassed(name) {
			w.Header()[name] = values
		}
	}
	if namesOwner(r) {
		s.passList(w, r, answer)
		return
	}
	w.WriteHeader(answer.StatusCode)
	if r.Method == http.MethodHead {
		return
	}
	if n, err := io.Copy(w, answer.Body); err != nil {
		s.log.Warn("an answer broke off", "bytes", n, "error", err)
		panic(http.ErrAbortHandler) // the client must not take it for the whole
	}
}

// passedHeaders come back from the store; a dash at the end stands for every
// continuation.
var passedHeaders = []string{
	"Accept-Ranges", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Length", "Content-Range",
	"Content-Type", "Etag", "Expires", "Last-Modified",
	"X-Amz-Abort-Date", "X-Amz-Checksum-", "X-Amz-Copy-Source-Version-Id", "X-Amz-Delete-Marker", "X-Amz-Meta-", "X-Amz-Missing-Meta",
	"X-Amz-Mp-Parts-Count", "X-Amz-Storage-Class", "X-Amz-Tagging-Count", "X-Amz-Version-Id",
}

func isPassed(name string) bool {
	return slices.ContainsFunc(passedHeaders, func(known string) bool {
		return known == name || strings.HasSuffix(known, "-") && strings.HasPrefix(name, known)
	})
}

// maxList bounds a list of 1,000 keys of 1,024 bytes, percent-encoded twice over.
const maxList = 16 << 20

// namesOwner tells a list, which names owners.
func namesOwner(r *http.Request) bool {
	if r.Method != http.MethodGet {
		return false
	}
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return key == "" || r.URL.Query().Has("uploadId")
}

// passList hands a list on without the names that the store has for those who
// own and upload: they are its accounts, at some stores even access key ids. The
// names of objects are encoded as the client has asked for.
func (s *Store) passList(w http.ResponseWriter, r *http.Request, answer *http.Response) {
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxList+1))
	if err != nil || len(text) > maxList {
		s.log.Error("a list cannot be read", "bytes", len(text), "error", err)
		refuse(w, unreachable)
		return
	}
	for _, tag := range []string{"Owner", "Initiator"} {
		text = anonymous(text, tag)
	}
	text = encodeNames(r, text)
	w.Header().Del("Content-Length")
	w.WriteHeader(answer.StatusCode)
	_, _ = w.Write(text) // the connection is all that can fail here
}

// anonymous gives every element of the tag our own name. Text in XML holds no
// "<", so an element is where it seems to be.
func anonymous(text []byte, tag string) []byte {
	begin, end := []byte("<"+tag+">"), []byte("</"+tag+">")
	var out []byte
	for {
		before, rest, found := bytes.Cut(text, begin)
		_, after, closed := bytes.Cut(rest, end)
		if !found || !closed {
			return append(out, text...)
		}
		out = append(out, before...)
		out = append(out, begin...)
		out = append(out, "<ID>keyhatch</ID><DisplayName>keyhatch</DisplayName>"...)
		out = append(out, end...)
		text = after
	}
}

// refusal is a store's refusal, or what we make of it.
type refusal struct {
	status        int
	code, message string
}

var (
	unreachable    = refusal{http.StatusServiceUnavailable, "ServiceUnavailable", "The store behind this endpoint does not answer. Try again."}
	misconfigured  = refusal{http.StatusInternalServerError, "InternalError", "The store behind this endpoint cannot be used."}
	denied         = refusal{http.StatusForbidden, "AccessDenied", "The store behind this endpoint does not allow it."}
	incompleteBody = refusal{http.StatusBadRequest, "IncompleteBody", "The body could not be read to its end; nothing was stored."}
)

// maxRefusal bounds what is read of a refusal.
const maxRefusal = 64 << 10

// ofOurKeys are refusals of the keys that act for us, not of the caller's: to
// hear them would make a client refresh or drop a lease that is good.
var ofOurKeys = []string{
	"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidSecurity", "ExpiredToken", "InvalidToken", "InvalidTokenId", "TokenRefreshRequired",
	"RequestTimeTooSkewed", "RequestExpired", "AuthorizationHeaderMalformed", "AuthorizationQueryParametersError", "AccountProblem",
	"InvalidPayer", "NotSignedUp", "UserSuspended", "XAmzContentSHA256Mismatch",
}

func (s *Store) refusal(answer *http.Response) refusal {
	text, _ := io.ReadAll(io.LimitReader(answer.Body, maxRefusal)) // what there is of it
	var told struct{ Code, Message string }
	_ = xml.Unmarshal(text, &told) // a HEAD has none
	status := answer.StatusCode
	switch {
	case status < http.StatusBadRequest, status == http.StatusUnauthorized, status == http.StatusExpectationFailed, slices.Contains(ofOurKeys, told.Code):
		s.log.Error("the store refuses our keys, or is another one", "status", status, "code", told.Code, "location", answer.Header.Get("Location"))
		return misconfigured
	case status == http.StatusForbidden:
		s.log.Warn("the store refuses what was let through", "code", told.Code)
		return denied // its message may name the account and the policy
	case status >= http.StatusInternalServerError:
		s.log.Warn("the store fails", "status", status, "code", told.Code)
	}
	return refusal{status, told.Code, told.Message}
}

// refuse answers with an error document.
func refuse(w http.ResponseWriter, e refusal) {
	text, _ := xml.Marshal(struct {
		XMLName       xml.Name `xml:"Error"`
		Code, Message string
	}{Code: e.code, Message: e.message}) // text always encodes
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(e.status)
	_, _ = w.Write(text) // the connection is all that can fail here
}
