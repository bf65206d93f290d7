package passwords

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/keyhatch/keyhatch"
)

// cost is what argon2id is told.
type cost struct {
	memory  uint32 // KiB
	times   uint32
	threads uint8
}

// today is what new hashes cost: OWASP's minimum for argon2id, 19 MiB, two passes, one
// lane (Password Storage Cheat Sheet).
var today = cost{memory: 19 * 1024, times: 2, threads: 1}

// nextToNothing is what hashes cost in tests, which make thousands under the race
// detector.
var nextToNothing = cost{memory: 8, times: 1, threads: 1}

// What of a hash's text is believed. Only ours are read, and they are sealed: the bounds
// keep a text that is damaged from costing more than a hash does.
const (
	maxMemory            = 256 * 1024 // KiB
	maxTimes, maxThreads = 16, 16
	saltBytes, sumBytes  = 16, 32
	minSalt, maxSalt     = 8, 64
	minSum, maxSum       = 16, 64
)

// hashed is a hash of a password.
type hashed struct {
	cost
	salt, sum []byte
}

var encoding = base64.RawStdEncoding.Strict()

// text writes a hash in the PHC string format.
func (h hashed) text() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.times, h.threads,
		encoding.EncodeToString(h.salt), encoding.EncodeToString(h.sum))
}

var errHash = errors.New("the hash of a password is damaged")

// parseHash reads what text writes, and no other spelling of it.
func parseHash(text string) (h hashed, err error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 {
		return hashed{}, errHash
	}
	numbers := strings.Split(parts[3], ",")
	if len(numbers) != 3 {
		return hashed{}, errHash
	}
	memory := number(numbers[0], "m=", maxMemory)
	times := number(numbers[1], "t=", maxTimes)
	threads := number(numbers[2], "p=", maxThreads)
	h.cost = cost{memory: uint32(memory), times: uint32(times), threads: uint8(threads)}
	var bad [2]error
	h.salt, bad[0] = encoding.DecodeString(parts[4])
	h.sum, bad[1] = encoding.DecodeString(parts[5])
	within := memory >= 8*threads && times > 0 && threads > 0 &&
		len(h.salt) >= minSalt && len(h.salt) <= maxSalt && len(h.sum) >= minSum && len(h.sum) <= maxSum
	if errors.Join(bad[:]...) != nil || !within || h.text() != text {
		return hashed{}, errHash
	}
	return h, nil
}

// number reads what stands behind the name, 0 where nothing fit does.
func number(text, name string, most uint64) uint64 {
	digits, ok := strings.CutPrefix(text, name)
	n, err := strconv.ParseUint(digits, 10, 32)
	if !ok || err != nil || n > most {
		return 0
	}
	return n
}

// hashing does the work of hashing, a few at a time: each takes 19 MiB of memory and
// some hundredths of a second of a processor.
type hashing struct {
	cost    cost
	nobodys string        // a hash that no password has
	slots   chan struct{} // as many as may run
	queue   atomic.Int64  // how many run or wait
	most    int64         // of them
	done    atomic.Int64  // how many there were, for tests
}

// waitingFor is how many may wait for each that runs: about half a second's work.
const waitingFor = 16

func newHashing(of cost) *hashing {
	running := max(1, runtime.GOMAXPROCS(0)/2)
	nobody := hashed{cost: of, salt: random(saltBytes), sum: random(sumBytes)}
	return &hashing{cost: of, nobodys: nobody.text(), slots: make(chan struct{}, running), most: int64(running * (1 + waitingFor))}
}

// hash makes the text of a hash of the password.
func (h *hashing) hash(ctx context.Context, password keyhatch.Secret) (string, error) {
	made := hashed{cost: h.cost, salt: random(saltBytes)}
	sum, err := h.sum(ctx, made, sumBytes, password)
	made.sum = sum
	return made.text(), err
}

// verify tells whether the hash is the password's, and whether it was made otherwise than
// new ones are.
func (h *hashing) verify(ctx context.Context, text string, password keyhatch.Secret) (right, old bool, err error) {
	want, err := parseHash(text)
	if err != nil {
		return false, false, err
	}
	sum, err := h.sum(ctx, want, len(want.sum), password)
	if err != nil {
		return false, false, err
	}
	return subtle.ConstantTimeCompare(sum, want.sum) == 1, want.cost != h.cost, nil
}

// sum does the work, once there is room: keyhatch.Unavailable when too many wait.
func (h *hashing) sum(ctx context.Context, as hashed, size int, password keyhatch.Secret) ([]byte, error) {
	defer h.queue.Add(-1)
	if h.queue.Add(1) > h.most {
		return nil, keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable,
			"too many passwords are being checked: try again in a moment").After(time.Second)
	}
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-h.slots }()
	h.done.Add(1)
	return argon2.IDKey([]byte(password.Reveal()), as.salt, as.times, as.memory, as.threads, uint32(size)), nil
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails (crypto/rand)
	return b
}
