// Package sigv4 is the verifying half of AWS Signature Version 4, as an S3
// endpoint needs it: who claims to have signed a request, whether a secret key
// bears the claim out, and whether the body is the one that was meant.
//
// A server uses it in three steps:
//
//	claim, err := sigv4.Parse(r)                // no secret needed
//	body, err := claim.Verify(secret, at, now)  // or claim.Refuse(at, now) when the key is not known
//	r.Body, r.ContentLength = body, body.Len()  // read it to io.EOF, then publish
//
// Every error of the first two steps, and every error of reading that is the
// sender's fault, is an *Error with the code and the HTTP status that S3
// answers with. Its message is safe to show.
//
// # What is signed is what is acted on
//
// The canonical request is not made from the bytes of the request line but from
// what net/http made of them, so that a signature can cover only one meaning:
//
//   - The path is the decoded r.URL.Path, encoded anew. Nothing is normalised.
//     An encoded slash is refused: it would mean two paths.
//   - The query is the pairs that url.ParseQuery returns, encoded anew ("+" is a
//     space). A query that ParseQuery would drop a part of (a semicolon, a broken
//     escape) is refused, and so is a name that comes twice: the signature does
//     not cover the order of equal names.
//   - host is r.Host, content-length is r.ContentLength, transfer-encoding is
//     r.TransferEncoding. net/http keeps these out of r.Header or rewrites them.
//   - A signed header comes on one line: two lines and one line with a comma have
//     the same signature. Runs of spaces, which the signature does not count, are
//     refused in x-amz-* headers other than x-amz-meta-*.
//
// So the server must act on r.URL.Path, r.URL.Query(), r.Host and r.Header, and
// never on r.URL.RawPath, r.URL.RawQuery, r.RequestURI or r.Trailer.
//
// host and every x-amz-* header must be signed. Content-Type and Content-MD5 need
// not be: S3's documentation asks for the former, but presigned uploads and small
// clients leave it out and S3 lets them. Content-MD5 is checked, signed or not.
//
// The access key ID is what a secret is looked up by; in the header form the
// signature covers it only through that secret. No two keys may share one.
//
// A presigned request may carry x-amz-checksum-* in its query. As with S3, those
// are signed but not compared with the body: SDKs put the checksum of the empty
// body there, long before there is one.
//
// # Bodies
//
// A Body hands out its last byte only after everything has been checked: the
// length, the payload hash, the chunk signatures, the trailer, the checksums. A
// store that publishes at io.EOF, or after Len bytes, never publishes a body that
// was not meant. A body of no bytes gives nothing to hold back: read it to io.EOF.
//
// Limits on r.Body (http.MaxBytesReader) go around it before Parse. Whether a body
// is in chunks is told by x-amz-content-sha256, which is signed, and never by
// Content-Encoding; who stores that header takes "aws-chunked" out of it.
//
// # Sources
//
// The Amazon S3 API reference: "Authenticating Requests (AWS Signature Version
// 4)" with its pages on the Authorization header, on query parameters, on chunked
// uploads and on trailing headers, and "Error Responses". Asymmetric signatures
// (SigV4A), signature version 2, POST policies and anonymous requests are refused.
package sigv4
