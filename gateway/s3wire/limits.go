package s3wire

// What one request may bring.
//
// Source: Amazon S3 User Guide, "Multipart upload limits"; Amazon S3 API reference,
// "DeleteObjects". The bound of documents is this endpoint's own (S9).
const (
	MaxObject   = 5 << 30 // bytes of an object or a part in one piece
	MaxParts    = 10_000  // of an upload
	MaxDeletes  = 1000    // keys of a batch delete
	MaxDocument = 1 << 20 // bytes of XML
)
