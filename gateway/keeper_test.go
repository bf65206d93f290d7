package gateway_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/drivertest/buckets"
	"github.com/keyhatch/keyhatch/gateway"
)

var _ driver.BucketKeeper = gateway.Folders{}

// TestFolders holds the keeper of directory stores to its contract.
func TestFolders(t *testing.T) {
	root := t.TempDir()
	store := keyhatch.Store{Kind: keyhatch.DirectoryStore, Name: "disk", Path: filepath.Join(root, "disk")}
	if err := os.Mkdir(store.Path, 0o700); err != nil {
		t.Fatal(err)
	}
	backends := gateway.NewBackends([]string{root}, nil, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { backends.Close() })
	ask := func(t *testing.T, method, bucket, key, query, text string, want int) string {
		t.Helper()
		handler, err := backends.For(store)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(method, "/"+bucket+"/"+(&url.URL{Path: key}).EscapedPath()+query, strings.NewReader(text))
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != want {
			t.Fatalf("%s %s %s: %d %s", method, bucket, key, w.Code, w.Body)
		}
		return w.Body.String()
	}
	site := buckets.Site{
		Keeper: gateway.Folders{Backends: func() *gateway.Backends { return backends }}, Store: store,
		Make: func(t *testing.T, bucket string) {
			if err := os.Mkdir(filepath.Join(store.Path, bucket), 0o700); err != nil {
				t.Fatal(err)
			}
		},
		Has: func(_ *testing.T, bucket string) bool {
			_, err := os.Stat(filepath.Join(store.Path, bucket))
			return err == nil
		},
		Put:    func(t *testing.T, bucket, key, text string) { ask(t, "PUT", bucket, key, "", text, http.StatusOK) },
		Remove: func(t *testing.T, bucket, key string) { ask(t, "DELETE", bucket, key, "", "", http.StatusNoContent) },
		Upload: func(t *testing.T, bucket, key string) func() {
			said := ask(t, "POST", bucket, key, "?uploads", "", http.StatusOK)
			_, said, _ = strings.Cut(said, "<UploadId>")
			id, _, _ := strings.Cut(said, "</UploadId>")
			return func() { ask(t, "DELETE", bucket, key, "?uploadId="+id, "", http.StatusNoContent) }
		},
	}
	buckets.Run(t, site)
	t.Run("Links", func(t *testing.T) { // a link or a file in a bucket's place is somebody's
		if err := os.Symlink(root, filepath.Join(store.Path, "linked")); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(store.Path, "filed"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"linked", "filed"} {
			_, err := site.Keeper.Absent(t.Context(), store, name, "bucket_0mz3k8q2a7c4f9d")
			if !ofCode(err, keyhatch.CodeBucketExists) {
				t.Errorf("making %s: %v", name, err)
			}
			if err := site.Keeper.Delete(t.Context(), store, name, "folder"); !ofCode(err, keyhatch.CodeBucketNotEmpty) || !site.Has(t, name) {
				t.Errorf("removing %s: %v", name, err)
			}
		}
	})
	t.Run("LateWriters", func(t *testing.T) { // what is still being written does not make a removed bucket anew
		name := "gone-bucket"
		proof, err := site.Keeper.Absent(t.Context(), store, name, "bucket_0mz3k8q2a7c4f9e")
		if err != nil {
			t.Fatal(err)
		}
		if err := site.Keeper.Create(t.Context(), store, name, proof); err != nil {
			t.Fatal(err)
		}
		if err := site.Keeper.Delete(t.Context(), store, name, "folder"); err != nil {
			t.Fatal(err)
		}
		ask(t, "PUT", name, "late", "", "x", http.StatusNotFound)
		if site.Has(t, name) {
			t.Error("it is there again")
		}
	})
}

func ofCode(err error, want keyhatch.Code) bool {
	var e *keyhatch.Error
	return errors.As(err, &e) && e.Code == want
}
