package provena

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestWanted: what each form of a request asks. What is refused is in the transcripts.
func TestWanted(t *testing.T) {
	for text, want := range map[string]wanted{
		`{"dataset_id":"a","console_session_required":true}`:                                                                {"a", true},
		`{"dataset_id":"a","console_session_required":"Off","x":[{}]}`:                                                      {"a", false},
		`{"dataset_id":"b","dataset_id":"a","console_session_required":1}`:                                                  {"a", true},
		`{"dataset_id":"a","s3_location":7,"bucket_name":7,"console_session_required":false}`:                               {"a", false},
		`{"s3_location":{"bucket_name":"b","path":"p/q/","s3_uri":"s3://x/y"},"console_session_required":true,"path":"no"}`: {"s3://b/p/q", true},
		`{"s3_location":{"bucket_name":"b","path":"/","s3_uri":""},"console_session_required":false}`:                       {"s3://b/", false},
		`{"bucket_name":"b","path":"p","s3_uri":"s3://b/p"}`:                                                                {"s3://b/p", false},
		`{"bucket_name":"b","path":"","s3_uri":"s3://b/"}`:                                                                  {"s3://b/", false},
		`{"bucket_name":"b/p","path":"q","s3_uri":"s3://b/p/q"}`:                                                            {"s3:///q", false},
		` {"bucket_name":"b","path":"p//","s3_uri":"","console_session_required":"perhaps"} `:                               {"s3://b/p", false},
	} {
		for _, kind := range []string{"", "application/json", "Application/JSON; charset=utf-8", "application/x+json"} {
			if got, err := (body{kind, []byte(text)}).wanted(); err != nil || got != want {
				t.Errorf("%s as %q: %+v, %v", text, kind, got, err)
			}
		}
		for _, kind := range []string{"text/json", "application/x-www-form-urlencoded", "json", "text/plain", ";"} {
			if _, err := (body{kind, []byte(text)}).wanted(); typesOf(err) != "type_error.dict" {
				t.Errorf("%s as %q: %v", text, kind, err)
			}
		}
	}
}

// TestFile: what a request for a URL asks.
func TestFile(t *testing.T) {
	for text, want := range map[string]file{
		`{"dataset_id":"a","file_path":"x"}`:                         {"a", "x", 0},
		`{"dataset_id":"a","file_path":"x","expires_in":1}`:          {"a", "x", 1},
		`{"dataset_id":"a","file_path":"x","expires_in":86400.0}`:    {"a", "x", 86400},
		`{"dataset_id":"a","file_path":"x","expires_in":" 60 "}`:     {"a", "x", 60},
		`{"dataset_id":"a","file_path":"x","expires_in":6e1,"y":[]}`: {"a", "x", 60},
	} {
		if got, err := (body{"", []byte(text)}).file(); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for number, want := range map[string]string{
		"0": "value_error.number.not_ge", "-1": "value_error.number.not_ge", "86401": "value_error.number.not_le", "1e15": "value_error.number.not_le", "1e30": "type_error.integer",
		"9223372036854775808": "type_error.integer", "1.5": "type_error.integer", `"x"`: "type_error.integer", "null": "type_error.none.not_allowed", "[]": "type_error.integer", `"NaN"`: "type_error.integer", `"Inf"`: "type_error.integer",
	} {
		if _, err := (body{"", []byte(`{"dataset_id":"a","file_path":"x","expires_in":` + number + `}`)}).file(); typesOf(err) != want {
			t.Errorf("%s: %v", number, err)
		}
	}
}

// typesOf are the types of the problems of a body.
func typesOf(err error) string {
	var f *refusal
	if !errors.As(err, &f) || f.status != http.StatusUnprocessableEntity {
		return "none"
	}
	var types []string
	for _, p := range f.detail.([]problem) {
		types = append(types, p.Type)
	}
	return strings.Join(types, " ")
}

// FuzzBody: whatever is sent is refused with problems that repeat nothing of it, or asks
// what an independent reading finds in it.
func FuzzBody(f *testing.F) {
	for _, text := range []string{
		`{"dataset_id":"alpha","console_session_required":false}`, `{"s3_location":{"bucket_name":"b","path":"p/","s3_uri":"s3://b/p/"},"console_session_required":"true"}`,
		`{"bucket_name":"b","path":"p","s3_uri":"u"}`, `{"dataset_id":"a","file_path":"x/y","expires_in":60}`, `[]`, `null`, `{"dataset_id":`, `{"DATASET_ID":"a"}`, `{"dataset_id":"\ud800"}`, "\xff",
		`{"Bearer canary-0123456789":"canary-0123456789","dataset_id":1}`, `{"s3_location":{"bucket_name":"a/b","path":"../","s3_uri":null}}`,
	} {
		f.Add("application/json", []byte(text))
	}
	f.Add("", []byte(""))
	f.Add("text/plain", []byte("{}"))
	f.Fuzz(func(t *testing.T, kind string, text []byte) {
		b := body{kind, text}
		for _, err := range []error{only(b.wanted()), only(b.file())} {
			var r *refusal
			if err == nil {
				continue
			}
			if !errors.As(err, &r) || r.status != http.StatusUnprocessableEntity {
				t.Fatalf("%q: %v", text, err)
			}
			problems, _ := r.detail.([]problem)
			told, err := json.Marshal(problems)
			if len(problems) == 0 || err != nil || strings.Contains(string(told), "canary-0123456789") {
				t.Fatalf("%q is told as %s, %v", text, told, err)
			}
		}
		w, err := b.wanted()
		if err != nil {
			return
		}
		var all map[string]any
		if !utf8.Valid(text) || json.Unmarshal(text, &all) != nil {
			t.Fatalf("%q was read", text)
		}
		place, _ := all["s3_location"].(map[string]any)
		switch id, has := all["dataset_id"]; {
		case has && w.dataset != id:
			t.Fatalf("%q asks for %q", text, w.dataset)
		case has:
			return
		case place == nil:
			place = all
		}
		if !strings.HasPrefix(w.dataset, "s3://") || place["path"] == nil || !strings.HasSuffix(w.dataset, strings.TrimRight(place["path"].(string), "/")) {
			t.Fatalf("%q asks for %q", text, w.dataset)
		}
		bucket, _, _ := strings.Cut(strings.TrimPrefix(w.dataset, "s3://"), "/")
		if said := place["bucket_name"].(string); bucket != said && (bucket != "" || !strings.Contains(said, "/")) {
			t.Fatalf("%q asks for the bucket %q", text, bucket)
		}
	})
}

func only(_ any, err error) error { return err }
