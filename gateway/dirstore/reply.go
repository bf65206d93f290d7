package dirstore

import (
	"encoding/xml"
	"io"
	"net/http"

	"github.com/rclone/gofakes3"
)

// reply mends what gofakes3 writes.
type reply struct {
	http.ResponseWriter
	begun bool
}

// foreign are headers that say things which are not so, or not for a store to
// say.
var foreign = []string{
	"Server", "X-Amz-Id-2",
	"Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Expose-Headers",
}

// notOfErrors are the object's headers that do not describe the text of an error.
var notOfErrors = []string{"Content-Encoding", "Content-Disposition", "Content-Language", "Cache-Control", "Expires"}

func (a *reply) WriteHeader(status int) {
	if !a.begun {
		a.begun = true
		h := a.Header()
		for _, name := range foreign {
			h.Del(name)
		}
		if status >= 400 {
			for _, name := range notOfErrors {
				h.Del(name)
			}
		}
		if tag := h.Get("ETag"); tag != "" {
			h.Set("ETag", unpackTags(tag))
		}
	}
	a.ResponseWriter.WriteHeader(status)
}

// begin is WriteHeader for a body that starts without. Only XML has no type by
// then: gofakes3 sets it too late.
func (a *reply) begin() {
	if !a.begun {
		if a.Header().Get("Content-Type") == "" {
			a.Header().Set("Content-Type", "application/xml")
		}
		a.WriteHeader(http.StatusOK)
	}
}

func (a *reply) Write(p []byte) (int, error) {
	a.begin()
	return a.ResponseWriter.Write(p)
}

// ReadFrom lets the server send a file's bytes without copying them.
func (a *reply) ReadFrom(r io.Reader) (int64, error) {
	a.begin()
	if c, ok := r.(*contents); ok {
		r = &c.LimitedReader
	}
	return io.Copy(a.ResponseWriter, r)
}

// Unwrap is for http.ResponseController.
func (a *reply) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *reply) finish() {
	if !a.begun {
		a.WriteHeader(http.StatusOK)
	}
}

// serveList answers with XML that we make ourselves.
func (s *Store) serveList(w http.ResponseWriter, list func() (any, error)) {
	result, err := list()
	if err != nil {
		s.fail(w, err)
		return
	}
	writeXML(w, http.StatusOK, result)
}

// fail answers with an error as gofakes3 would.
func (s *Store) fail(w http.ResponseWriter, err error) {
	var known *gofakes3.ErrorResponse
	switch e := answer(err).(type) {
	case *gofakes3.ErrorResponse:
		known = e
	case gofakes3.Error:
		known = &gofakes3.ErrorResponse{Code: e.ErrorCode(), Message: e.Error()}
	default:
		s.log.Error("directory store: " + err.Error())
		known = &gofakes3.ErrorResponse{Code: gofakes3.ErrInternal, Message: "Internal Error"}
	}
	writeXML(w, known.Code.Status(), struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
	}{Code: string(known.Code), Message: known.Message})
}

func writeXML(w http.ResponseWriter, status int, v any) {
	text, err := xml.Marshal(v)
	if err != nil {
		status, text = http.StatusInternalServerError, nil
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	io.WriteString(w, xml.Header)
	w.Write(text)
}
