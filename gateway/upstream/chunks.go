package upstream

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// A body that arrives while it is sent goes in signed chunks, of which the last
// is empty: a store cannot take one that broke off for whole. Not every store
// minds the announced length: versitygw keeps what has come of a plain body when
// its connection breaks.
//
// Source: Amazon S3 API reference, "Signature calculations for the Authorization
// header: transferring payload in multiple chunks".
const inChunks = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"

const (
	chunkBytes = 16 << 10
	// chunkFrame is what is sent around the data of a chunk, but for its length.
	chunkFrame = len(";chunk-signature=") + 64 + len("\r\n") + len("\r\n")
)

// chunkedLength is the length of so many bytes in chunks.
func chunkedLength(n int64) int64 {
	frame := func(size int64) int64 { return int64(len(strconv.FormatInt(size, 16)) + chunkFrame) }
	total := n/chunkBytes*(frame(chunkBytes)+chunkBytes) + frame(0)
	if rest := n % chunkBytes; rest > 0 {
		total += frame(rest) + rest
	}
	return total
}

// chunks frames and signs a body.
type chunks struct {
	from    io.ReadCloser
	left    int64
	signer  *v4.StreamSigner
	at      time.Time
	data    []byte
	frame   []byte // a chunk with what is around it, made anew in its place
	ready   []byte // what of it is still to be read
	ended   bool
	context context.Context
}

// newChunks makes the chunks of a request that has been signed, at a time.
func newChunks(r *http.Request, from io.ReadCloser, length int64, keys aws.Credentials, region string, at time.Time) (*chunks, error) {
	_, signature, found := strings.Cut(r.Header.Get("Authorization"), "Signature=")
	seed, err := hex.DecodeString(signature)
	if err != nil || !found {
		return nil, errors.New("the request is not signed")
	}
	return &chunks{
		from: from, left: length, signer: v4.NewStreamSigner(keys, "s3", region, seed), at: at,
		data: make([]byte, min(length, chunkBytes)), context: r.Context(),
	}, nil
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.ready) == 0 {
		if c.ended {
			return 0, io.EOF
		}
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.ready)
	c.ready = c.ready[n:]
	return n, nil
}

// next frames another chunk. The empty one comes when all others were read, and
// so only behind a body that was found right.
func (c *chunks) next() error {
	data := c.data[:min(int64(len(c.data)), c.left)]
	if _, err := io.ReadFull(c.from, data); err != nil {
		return err
	}
	signature, err := c.signer.GetSignature(c.context, nil, data, c.at)
	if err != nil {
		return err
	}
	c.left -= int64(len(data))
	c.ended = len(data) == 0
	c.frame = fmt.Appendf(c.frame[:0], "%x;chunk-signature=%x\r\n", len(data), signature)
	c.frame = append(append(c.frame, data...), "\r\n"...)
	c.ready = c.frame
	return nil
}

func (c *chunks) Close() error { return c.from.Close() }
