package upstream_test

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func errorDocument(code string) string {
	return "<?xml version=\"1.0\"?>\n<Error><Code>" + code + "</Code><Message>User: arn:aws:iam::CANARY:user/x, host CANARY.example, AKIACANARY</Message>" +
		"<Resource>/CANARY</Resource><RequestId>CANARY</RequestId><HostId>CANARY</HostId><BucketName>CANARY</BucketName></Error>"
}

// How each refusal of a store is told.
func TestRefusals(t *testing.T) {
	t.Parallel()
	const html = "<html><head><title>CANARY</title></head><body><Code>CANARY</Code><center>nginx</center></body></html>"
	for name, c := range map[string]struct {
		status int
		body   string
		want   int
		code   string
	}{
		"no such key":                 {404, errorDocument("NoSuchKey"), 404, "NoSuchKey"},
		"no such upload":              {404, errorDocument("NoSuchUpload"), 404, "NoSuchUpload"},
		"no such bucket":              {404, errorDocument("NoSuchBucket"), 404, "NoSuchBucket"},
		"condition":                   {412, errorDocument("PreconditionFailed"), 412, "PreconditionFailed"},
		"conflict":                    {409, errorDocument("ConditionalRequestConflict"), 409, "ConditionalRequestConflict"},
		"range":                       {416, errorDocument("InvalidRange"), 416, "InvalidRange"},
		"part":                        {400, errorDocument("InvalidPart"), 400, "InvalidPart"},
		"small part":                  {400, errorDocument("EntityTooSmall"), 400, "EntityTooSmall"},
		"digest":                      {400, errorDocument("BadDigest"), 400, "BadDigest"},
		"archived":                    {403, errorDocument("InvalidObjectState"), 403, "InvalidObjectState"},
		"full":                        {403, errorDocument("QuotaExceeded"), 403, "QuotaExceeded"},
		"a code of its own":           {400, errorDocument("XMinioCANARY"), 400, "InvalidRequest"},
		"a conflict of its own":       {409, errorDocument("XMinioCANARY"), 409, "InvalidRequest"},
		"denied":                      {403, errorDocument("AccessDenied"), 403, "AccessDenied"},
		"denied without a word":       {403, "", 403, "AccessDenied"},
		"account suspended":           {403, errorDocument("UserSuspended"), 500, "InternalError"},
		"wrong key":                   {403, errorDocument("InvalidAccessKeyId"), 500, "InternalError"},
		"wrong secret":                {403, errorDocument("SignatureDoesNotMatch"), 500, "InternalError"},
		"wrong region":                {400, errorDocument("AuthorizationHeaderMalformed"), 500, "InternalError"},
		"wrong clock":                 {403, errorDocument("RequestTimeTooSkewed"), 500, "InternalError"},
		"wants a token":               {400, errorDocument("ExpiredToken"), 500, "InternalError"},
		"unauthorized":                {401, "", 500, "InternalError"},
		"moved":                       {301, errorDocument("PermanentRedirect"), 500, "InternalError"},
		"elsewhere":                   {307, errorDocument("TemporaryRedirect"), 500, "InternalError"},
		"found":                       {302, html, 500, "InternalError"},
		"multiple choices":            {300, "", 500, "InternalError"},
		"slow down":                   {503, errorDocument("SlowDown"), 503, "SlowDown"},
		"unavailable, of a proxy":     {503, html, 503, "ServiceUnavailable"},
		"unavailable without a word":  {503, "", 503, "ServiceUnavailable"},
		"unavailable in its words":    {503, errorDocument("XMinioCANARY"), 503, "ServiceUnavailable"},
		"too many":                    {429, html, 503, "SlowDown"},
		"internal":                    {500, errorDocument("InternalError"), 500, "InternalError"},
		"internal of its own":         {507, errorDocument("XMinioCANARY"), 500, "InternalError"},
		"bad gateway":                 {502, html, 500, "InternalError"},
		"gateway timeout":             {504, "", 500, "InternalError"},
		"not implemented":             {501, errorDocument("NotImplemented"), 501, "NotImplemented"},
		"beyond":                      {999, "", 500, "InternalError"},
		"not found, of another":       {404, html, 500, "InternalError"},
		"not found without a word":    {404, "", 500, "InternalError"},
		"bad request, of a proxy":     {400, html, 500, "InternalError"},
		"too large for a proxy":       {413, html, 400, "EntityTooLarge"},
		"condition without a word":    {412, "", 412, "PreconditionFailed"},
		"range without a word":        {416, "", 416, "InvalidRange"},
		"garbage":                     {400, "\x00\xff<<<>", 500, "InternalError"},
		"JSON":                        {404, `{"message":"CANARY"}`, 500, "InternalError"},
		"without end":                 {404, strings.TrimSuffix(errorDocument("NoSuchKey"), "</Error>"), 500, "InternalError"},
		"long":                        {404, errorDocument("NoSuchKey") + strings.Repeat(" ", 1<<20), 404, "NoSuchKey"},
		"long before":                 {404, strings.Repeat(" ", 1<<20) + errorDocument("NoSuchKey"), 500, "InternalError"},
		"an error in a good answer":   {200, errorDocument("InternalError"), 500, "InternalError"},
		"slow down in a good answer":  {200, " \n \n" + errorDocument("SlowDown"), 503, "SlowDown"},
		"its own in a good answer":    {200, errorDocument("XMinioCANARY"), 500, "InternalError"},
		"no upload in a good answer":  {200, errorDocument("NoSuchUpload"), 404, "NoSuchUpload"},
		"our keys in a good answer":   {200, errorDocument("InvalidAccessKeyId"), 500, "InternalError"},
		"another ns in a good answer": {200, "<Error xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Code>SlowDown</Code></Error>", 503, "SlowDown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, func(e *exchange) bool {
				e.read()
				return e.answer(c.status, c.body, "Location: http://127.0.0.1:1/CANARY", "X-Amz-Request-Id: CANARY", "Retry-After: 77", "Content-Encoding: identity")
			})
			p := before(t, f)
			for operation, d := range documents {
				got := p.ask(asked(t, d.method, d.path, d.query, nil, 0))
				var told struct {
					XMLName       xml.Name
					Code, Message string
				}
				if err := xml.Unmarshal(got.body, &told); err != nil || told.XMLName.Local != "Error" {
					t.Fatalf("%s: %d %q: %v", operation, got.status, got.body, err)
				}
				if got.status != c.want || told.Code != c.code || told.Message == "" {
					t.Errorf("%s: %d %s %q, want %d %s", operation, got.status, told.Code, told.Message, c.want, c.code)
				}
				if all := fmt.Sprint(got.header) + string(got.body); strings.Contains(all, "CANARY") {
					t.Errorf("%s: %s", operation, all)
				}
			}
			if log := p.log.String(); strings.Contains(log, fakeSecret) || c.want == 500 && !strings.Contains(log, "the-moon") {
				t.Errorf("log: %s", log)
			}
		})
	}
}

// What a store says of its refusals goes into the log as far as somebody would read it.
func TestLongRefusalsInTheLog(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 400} {
		text := "<Error><Code>" + strings.Repeat("c", 20_000) + "</Code><Message>" + strings.Repeat("m", 20_000) + "</Message></Error>"
		f := newFake(t, func(e *exchange) bool { e.read(); return e.answer(status, text) })
		p := before(t, f)
		if got := p.get(t, "/bucket", nil); got.status < 400 {
			t.Errorf("%d: %d", status, got.status)
		}
		if n := len(p.log.String()); n == 0 || n > 2000 {
			t.Errorf("%d: %d bytes in the log", status, n)
		}
	}
}

// A HEAD has no document to tell by.
func TestRefusalsOfHead(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]int{
		400: 400, 401: 500, 403: 403, 404: 404, 405: 405, 412: 412, 416: 416, 429: 503, 301: 500, 307: 500, 500: 500, 502: 500, 503: 503,
	} {
		f := newFake(t, func(e *exchange) bool { return e.answer(status, "xxxx", "Location: http://127.0.0.1:1/") })
		got := before(t, f).ask(asked(t, http.MethodHead, "/bucket/key", nil, nil, 0))
		if got.status != want || got.header.Get("Location") != "" {
			t.Errorf("%d: %d, want %d", status, got.status, want)
		}
	}
}
