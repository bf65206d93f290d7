package sigv4_test

import (
	"strings"
	"testing"
)

func TestChunkAttacks(t *testing.T) {
	const incomplete, trailer, mismatch = "IncompleteBody", "MalformedTrailerError", "SignatureDoesNotMatch"
	// The pieces of the body: chunks A, B and C, the last chunk, and in the modes
	// with a trailer that, its signature where there is one, and the end.
	type pieces = []string
	swap := func(i, j int) func(pieces) string {
		return func(p pieces) string { p[i], p[j] = p[j], p[i]; return strings.Join(p, "") }
	}
	replace := func(old, replacement string) func(pieces) string {
		return func(p pieces) string { return strings.Replace(strings.Join(p, ""), old, replacement, 1) }
	}
	without := func(i int) func(pieces) string {
		return func(p pieces) string { return strings.Join(append(append(pieces(nil), p[:i]...), p[i+1:]...), "") }
	}
	first := func(n int) func(pieces) string {
		return func(p pieces) string { return strings.Join(p[:n], "") }
	}
	add := func(text string) func(pieces) string {
		return func(p pieces) string { return strings.Join(p, "") + text }
	}
	twice := func(i int) func(pieces) string {
		return func(p pieces) string { p[i] += p[i]; return strings.Join(p, "") }
	}
	cut := func(n int) func(pieces) string {
		return func(p pieces) string { all := strings.Join(p, ""); return all[:len(all)-n] }
	}
	signed, trailed, plain := []string{streamSigned}, []string{streamTrailed}, []string{streamUnsigned}
	anySigned, anyTrailer := []string{streamSigned, streamTrailed}, []string{streamTrailed, streamUnsigned}
	all := []string{streamSigned, streamTrailed, streamUnsigned}
	for name, test := range map[string]struct {
		modes  []string
		change func(pieces) string
		want   string
	}{
		"nothing":                      {all, add(""), ""},
		"chunks in another order":      {anySigned, swap(0, 1), mismatch},
		"unsigned chunks reordered":    {plain, swap(0, 1), "BadDigest"},
		"chunk changed":                {anySigned, replace("aaaa", "aaab"), mismatch},
		"unsigned chunk changed":       {plain, replace("aaaa", "aaab"), "BadDigest"},
		"last bytes changed":           {anySigned, replace("ccc", "ccd"), mismatch},
		"unsigned last bytes changed":  {plain, replace("ccc", "ccd"), "BadDigest"},
		"chunk cut short":              {all, func(p pieces) string { return p[0][:4000] }, incomplete},
		"ends between chunks":          {all, first(2), incomplete},
		"chunk missing":                {anySigned, without(1), mismatch},
		"unsigned chunk missing":       {plain, without(1), incomplete},
		"chunk twice":                  {anySigned, twice(0), mismatch},
		"unsigned chunk twice":         {plain, twice(0), incomplete},
		"no last chunk":                {all, func(p pieces) string { return strings.Join(p[:3], "") + "\r\n" }, incomplete},
		"nothing after the payload":    {all, first(3), incomplete},
		"no end":                       {all, cut(2), incomplete},
		"half an end":                  {all, cut(1), incomplete},
		"bytes after the end":          {all, add("x"), incomplete},
		"another chunk after the end":  {all, add("3\r\nabc\r\n"), incomplete},
		"nothing at all":               {all, func(pieces) string { return "" }, incomplete},
		"no frame":                     {all, func(pieces) string { return chunkA + chunkB + chunkC }, incomplete},
		"signature of another chunk":   {anySigned, func(p pieces) string { return replace(p[0][5:86], p[1][5:86])(p) }, mismatch},
		"no signature":                 {anySigned, func(p pieces) string { return strings.Replace(strings.Join(p, ""), p[0][4:85], "", 1) }, incomplete},
		"empty signature":              {anySigned, func(p pieces) string { return replace(p[0][21:85], "")(p) }, incomplete},
		"short signature":              {anySigned, func(p pieces) string { return replace(p[0][21:85], p[0][21:84])(p) }, incomplete},
		"upper-case signature":         {anySigned, func(p pieces) string { return replace(p[0][21:85], strings.ToUpper(p[0][21:85]))(p) }, incomplete},
		"second extension":             {anySigned, replace("\r\n", ";x=y\r\n"), incomplete},
		"other extension":              {all, replace("2000", "2000;x=y"), incomplete},
		"signature where none belongs": {plain, replace("2000", "2000;chunk-signature="+strings.Repeat("0", 64)), incomplete},
		"bare line feed":               {all, replace("\r\n", "\n"), incomplete},
		"no line end after the bytes":  {all, replace("aa\r\n", "aaXX"), incomplete},
		"size too small":               {plain, replace("2000", "1fff"), incomplete},
		"size too large":               {plain, replace("2000", "2001"), incomplete},
		"size beyond the payload":      {all, replace("2000", "ffffff"), incomplete},
		"size beyond int64":            {all, replace("2000", "ffffffffffffffff"), incomplete},
		"size that wraps to a chunk":   {all, replace("2000", "10000000000002000"), incomplete},
		"negative size":                {all, replace("2000", "-2000"), incomplete},
		"size with a sign":             {all, replace("2000", "+2000"), incomplete},
		"size with a prefix":           {all, replace("2000", "0x2000"), incomplete},
		"size with underscores":        {all, replace("2000", "20_00"), incomplete},
		"size with blanks":             {all, replace("2000", " 2000"), incomplete},
		"no size":                      {all, replace("2000", ""), incomplete},
		"leading zeros":                {all, replace("2000", "000000002000"), ""},
		"very long header":             {all, replace("2000", strings.Repeat("0", 300)+"2000"), incomplete},
		"endless header":               {all, replace("2000", strings.Repeat("0", 1<<20)), incomplete},
		"last chunk too early":         {plain, func(p pieces) string { return p[0] + strings.Join(p[3:], "") }, incomplete},
		"signed last chunk too early":  {anySigned, func(p pieces) string { return p[0] + strings.Join(p[3:], "") }, incomplete},

		"trailer in a mode without":    {signed, func(p pieces) string { return strings.Join(p[:4], "") + crcTrailer("") + "\r\n\r\n" }, incomplete},
		"trailer missing":              {anyTrailer, without(4), trailer},
		"trailer twice":                {plain, twice(4), trailer},
		"signed trailer twice":         {trailed, twice(4), trailer},
		"trailer of another name":      {anyTrailer, replace("checksum-crc32:", "checksum-crc32c:"), trailer},
		"unknown trailer":              {anyTrailer, replace("x-amz-checksum-crc32:", "x-evil:"), trailer},
		"trailer without a colon":      {anyTrailer, replace("crc32:", "crc32"), trailer},
		"trailer in capitals":          {anyTrailer, replace("x-amz-checksum-crc32:", "X-Amz-Checksum-CRC32:"), ""},
		"blank before the value":       {anyTrailer, replace("crc32:", "crc32: "), ""},
		"line feed before the line":    {anyTrailer, replace("==\r\n", "==\n\r\n"), ""},
		"bare line feed in a trailer":  {plain, replace("==\r\n", "==\n"), incomplete}, // its CRLF is missing at the end
		"bare line feed, signed":       {trailed, replace("==\r\n", "==\n"), trailer},
		"line after a bare line feed":  {anyTrailer, replace("==\r\n", "==\nx-evil:1\r\n"), trailer},
		"line end inside the value":    {anyTrailer, replace("==\r\n", "\r==\r\n"), "InvalidRequest"},
		"endless trailer":              {anyTrailer, replace("crc32:", "crc32:"+strings.Repeat("A", 1<<20)), trailer},
		"value that is not base64":     {anyTrailer, replace("crc32:", "crc32:!"), "InvalidRequest"},
		"wrong value":                  {plain, replace(crcTrailer(chunkA+chunkB+chunkC), crcTrailer("")), "BadDigest"},
		"wrong value, signed":          {trailed, replace(crcTrailer(chunkA+chunkB+chunkC), crcTrailer("")), mismatch},
		"one more trailer":             {plain, func(p pieces) string { return strings.Join(p[:5], "") + "x-evil:1\r\n\r\n" }, trailer},
		"one more signed trailer":      {trailed, func(p pieces) string { return strings.Join(p[:5], "") + "x-evil:1\r\n" + strings.Join(p[5:], "") }, trailer},
		"trailer not signed":           {trailed, without(5), trailer},
		"trailer signature twice":      {trailed, twice(5), trailer},
		"trailer signature empty":      {trailed, func(p pieces) string { return replace(p[5], "x-amz-trailer-signature:\r\n")(p) }, trailer},
		"trailer signature of a chunk": {trailed, func(p pieces) string { return replace(p[5][24:88], p[3][18:82])(p) }, mismatch},
		"trailer before its signature": {trailed, swap(4, 5), trailer},
		"signature where none is due": {plain, func(p pieces) string {
			return strings.Join(p[:5], "") + "x-amz-trailer-signature:" + strings.Repeat("0", 64) + "\r\n\r\n"
		}, trailer},
	} {
		for _, mode := range test.modes {
			t.Run(name+"/"+mode, func(t *testing.T) {
				r, p := chunked(t, mode, chunkA, chunkB, chunkC)
				content, body, err := readUpload(t, r, test.change(p))
				wantCode(t, err, test.want)
				if body.Verified() != (test.want == "") || code(body.Err()) != test.want {
					t.Errorf("verified %v, error %v", body.Verified(), body.Err())
				}
				if test.want == "" && string(content) != chunkA+chunkB+chunkC {
					t.Errorf("%d bytes", len(content))
				}
				if len(content) >= len(chunkA+chunkB+chunkC) && test.want != "" {
					t.Errorf("all %d bytes were handed out before %v", len(content), err)
				}
			})
		}
	}
}

func TestChunkLengths(t *testing.T) {
	for name, test := range map[string]struct {
		declared string
		contents []string
		want     string
	}{
		"right":                    {"17195", []string{chunkA, chunkB, chunkC}, ""},
		"one chunk":                {"3", []string{chunkC}, ""},
		"no bytes":                 {"0", nil, ""},
		"one too few":              {"17194", []string{chunkA, chunkB, chunkC}, "IncompleteBody"},
		"one too many":             {"17196", []string{chunkA, chunkB, chunkC}, "IncompleteBody"},
		"none declared":            {"0", []string{chunkC}, "IncompleteBody"},
		"some declared, none sent": {"3", nil, "IncompleteBody"},
		"missing":                  {"", []string{chunkC}, "MissingContentLength"},
		"negative":                 {"-1", []string{chunkC}, "InvalidArgument"},
		"with a sign":              {"+3", []string{chunkC}, "InvalidArgument"},
		"beyond int64":             {"9223372036854775808", []string{chunkC}, "InvalidArgument"},
		"small chunk first":        {"8195", []string{chunkC, chunkA}, "InvalidChunkSizeError"},
		"small chunk between":      {"17195", []string{chunkA, chunkC, chunkB}, "InvalidChunkSizeError"},
	} {
		for _, mode := range []string{streamSigned, streamTrailed, streamUnsigned} {
			t.Run(name+"/"+mode, func(t *testing.T) {
				r, _ := chunked(t, mode, test.contents...)
				r.Header.Del("X-Amz-Decoded-Content-Length")
				if test.declared != "" {
					r.Header.Set("X-Amz-Decoded-Content-Length", test.declared)
				}
				tester().sign(t, r, mode)
				s, trailer := chunkSigner{id: tester()}, ""
				if mode != streamUnsigned {
					s.seed = seedOf(r)
				}
				if mode != streamSigned {
					trailer = crcTrailer(strings.Join(test.contents, ""))
				}
				_, _, err := readUpload(t, r, strings.Join(s.encode(trailer, test.contents...), ""))
				wantCode(t, err, test.want)
			})
		}
	}
}

func TestTrailerAnnouncements(t *testing.T) {
	for name, test := range map[string]struct {
		mode, trailer string
		extra         string // another header
		want          string
	}{
		"missing":          {streamUnsigned, "", "", "MalformedTrailerError"},
		"without chunks":   {unsigned, "x-amz-checksum-crc32", "", "MalformedTrailerError"},
		"with plain ones":  {streamSigned, "x-amz-checksum-crc32", "", "MalformedTrailerError"},
		"two":              {streamUnsigned, "x-amz-checksum-crc32,x-amz-checksum-sha1", "", "InvalidRequest"},
		"no checksum":      {streamUnsigned, "x-amz-meta-a", "", "InvalidRequest"},
		"not supported":    {streamTrailed, "x-amz-checksum-xxhash3", "", "InvalidRequest"},
		"a header besides": {streamTrailed, "x-amz-checksum-crc32", "X-Amz-Checksum-Sha1", "InvalidRequest"},
		"in capitals":      {streamTrailed, "X-Amz-Checksum-CRC32", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			headers := map[string]string{"X-Amz-Trailer": test.trailer}
			if test.trailer == "" {
				delete(headers, "X-Amz-Trailer")
			}
			if test.extra != "" {
				headers[test.extra] = "2jmj7l5rSw0yVb/vlWAYkK/YBwk="
			}
			_, err := verified(t, upload(t, test.mode, 3, headers), "x")
			wantCode(t, err, test.want)
		})
	}
}
