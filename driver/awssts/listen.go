package awssts

import (
	"bytes"
	"encoding/xml"
	"io"
	"net/http"
	"time"
)

// refusal is what a token service says when it gives nothing.
type refusal struct {
	status        int
	code, message string
	date          time.Time // of its clock; zero: it does not tell
}

func (r *refusal) Error() string { return http.StatusText(r.status) }

// listener is a client that takes down a refusal, in whatever form: that of STS, or
// that of S3, which the SDK does not expect of STS and Ceph sends.
type listener struct {
	client *http.Client
	heard  *refusal
}

// Do implements aws.HTTPClient.
func (l *listener) Do(r *http.Request) (*http.Response, error) {
	l.heard = nil
	response, err := l.client.Do(r)
	if err != nil || response.StatusCode < http.StatusMultipleChoices {
		return response, err
	}
	text, err := io.ReadAll(response.Body) // which is bounded
	response.Body.Close()
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(text))
	l.heard = &refusal{status: response.StatusCode}
	l.heard.code, l.heard.message = codeIn(text)
	l.heard.date, _ = http.ParseTime(response.Header.Get("Date"))
	return response, nil
}

// codeIn are the code and the message of an error, wherever they stand.
func codeIn(text []byte) (code, message string) {
	d := xml.NewDecoder(bytes.NewReader(text))
	for {
		t, err := d.Token()
		if err != nil {
			return code, message
		}
		start, ok := t.(xml.StartElement)
		if !ok {
			continue
		}
		into := map[string]*string{"Code": &code, "Message": &message}[start.Name.Local]
		if into != nil && *into == "" && d.DecodeElement(into, &start) != nil {
			return "", ""
		}
	}
}

// told is the error of a request, with what was heard.
func (l *listener) told(err error) error {
	if l.heard == nil {
		return err
	}
	return l.heard
}
