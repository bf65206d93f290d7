package earthdata

import (
	"bytes"
	"cmp"
	"embed"
	"html/template"
	"net/http"
)

//go:embed pages
var files embed.FS

var pages = template.Must(template.ParseFS(files, "pages/*.html"))

// readme is the page that says how to use the keys.
func (d *Door) readme(w http.ResponseWriter, r *http.Request) error {
	var text bytes.Buffer
	err := pages.ExecuteTemplate(&text, "readme.html", struct {
		URL   string
		Login bool
	}{cmp.Or(d.URL, "https://this.server"), d.Login})
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'")
	if _, err := w.Write(text.Bytes()); err != nil {
		d.log.DebugContext(r.Context(), "page not sent", "error", err)
	}
	return nil
}
