package upstream

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/gateway/limit"
)

// Many long lists at a time, of hostile stores, are held as far as there is room,
// and the others are told to come again. Each was held up to 16 MiB, however many.
func TestMemoryOfDocumentsIsBounded(t *testing.T) {
	t.Parallel()
	const (
		users, each = 6, 5
		begun       = 600 << 10 // for which a buffer has grown to 1 MiB, from a half
		bound       = 8 << 20
		ofOne       = 2 << 20
	)
	var waiting sync.WaitGroup // until every request holds what it can, or is refused
	waiting.Add(users * each)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("prefix") == "honest" {
			fmt.Fprint(w, "<ListBucketResult><Key>honest</Key></ListBucketResult>")
			return
		}
		fmt.Fprint(w, "<ListBucketResult>", strings.Repeat(" ", begun))
		w.(http.Flusher).Flush()
		waiting.Wait()
		fmt.Fprint(w, strings.Repeat(" ", 300<<10), "</ListBucketResult>")
	}))
	defer server.Close()
	transport := &counting{http.Transport{MaxIdleConnsPerHost: 1}, begun, waiting.Done}
	client := NewClient(fixed{}, transport, slog.New(slog.DiscardHandler))
	client.memory = limit.NewMemory(bound, ofOne)
	store, err := client.Store(keyhatch.Store{Endpoint: server.URL, Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	list := func(user, prefix string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/bucket?list-type=2&prefix="+prefix, nil)
		store.ServeHTTP(w, r.WithContext(limit.As(r.Context(), user)))
		return w
	}
	var all sync.WaitGroup
	for n := range users * each {
		all.Go(func() {
			w := list(fmt.Sprint("user ", n%users), "hostile")
			full := w.Code == http.StatusServiceUnavailable && strings.Contains(w.Body.String(), "<Code>SlowDown</Code>")
			if w.Code != http.StatusOK && !full {
				t.Errorf("%d %.200s", w.Code, w.Body)
			}
		})
	}
	waiting.Wait()
	held, _ := client.memory.Held()
	// Others are served meanwhile.
	if w := list("bystander", "honest"); w.Code != http.StatusOK {
		t.Errorf("a short list: %d %s", w.Code, w.Body)
	}
	all.Wait()
	left, most := client.memory.Held()
	if held == 0 || most > bound || left != 0 {
		t.Errorf("%d bytes were held while all waited, %d at most, %d in the end", held, most, left)
	}
	t.Logf("%d KiB were held while all waited, %d at most", held>>10, most>>10)
	if w := list("user 0", "honest"); w.Code != http.StatusOK {
		t.Errorf("afterwards: %d %s", w.Code, w.Body)
	}
}

// counting tells of each answer when so much of it was read, or when it is closed.
type counting struct {
	http.Transport
	enough int
	told   func()
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := c.Transport.RoundTrip(r)
	if err == nil && !strings.Contains(r.URL.RawQuery, "honest") {
		answer.Body = &countedBody{answer.Body, c.enough, sync.OnceFunc(c.told)}
	}
	return answer, err
}

type countedBody struct {
	body interface {
		Read([]byte) (int, error)
		Close() error
	}
	left int
	told func()
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if b.left -= n; b.left <= 0 {
		b.told()
	}
	return n, err
}

func (b *countedBody) Close() error {
	b.told()
	return b.body.Close()
}

// The longest document there may be has room when nobody else needs it.
func TestLongestDocumentHasRoom(t *testing.T) {
	t.Parallel()
	const begin, end = "<ListBucketResult>", "</ListBucketResult>"
	text := begin + strings.Repeat(" ", maxDocument-len(begin)-len(end)) + end
	if got := listed(t, text, "list-type=2"); got != text {
		t.Errorf("%d bytes came of %d", len(got), len(text))
	}
}
