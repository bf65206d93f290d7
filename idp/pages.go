package idp

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/auth"
)

//go:embed pages
var files embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{"choice": choice}).ParseFS(files, "pages/*.html"))

// pageRoutes are the pages for people. They are plain HTML and run no script.
var pageRoutes = []route{
	{"/login", getPost, page((*Door).login)},
	{"/login/style.css", get, (*Door).style},
	{"/login/{provider}", get, page((*Door).sendToProvider)},
	{"/login/{provider}/back", get, page((*Door).backFromProvider)},
	{"/profile", get, page((*Door).profile)},
	{"/profile/end", post, page((*Door).endConsent)},
	{"/device", getPost, page((*Door).device)},
	{"/terms/{location}", getPost, page((*Door).termsOfUse)},
	{"/oauth/authorize", getPost, page((*Door).authorize)},
	{"/auth/realms/{realm}/protocol/openid-connect/auth", get, page((*Door).authorize)},
}

// page shows what fails on a page.
func page(serve func(*Door, http.ResponseWriter, *http.Request) error) func(*Door, http.ResponseWriter, *http.Request) error {
	return func(d *Door, w http.ResponseWriter, r *http.Request) error {
		err := serve(d, w, r)
		if err == nil {
			return nil
		}
		f := failureOnPage(err)
		if f.status >= http.StatusInternalServerError {
			d.log.ErrorContext(r.Context(), "page failed", "request_id", keyhatch.OriginOf(r.Context()).RequestID, "error", err)
		}
		if f.wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(auth.WholeSeconds(f.wait)))
		}
		return d.show(w, r, f.status, "", "done.html", done{"This did not work", sentence(f.Description)})
	}
}

// done is a page that says something, and is the end.
type done struct{ Title, Text string }

func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// show writes a page. formTo is where its forms lead besides here: browsers hold that also
// for where they are sent on from here.
//
// Source: Content Security Policy Level 3, sections 6.1 and 6.4.
func (d *Door) show(w http.ResponseWriter, r *http.Request, status int, formTo, name string, data any) error {
	var text bytes.Buffer
	if err := templates.ExecuteTemplate(&text, name, data); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", strings.TrimSpace("default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' "+formTo))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	w.WriteHeader(status)
	if _, err := w.Write(text.Bytes()); err != nil {
		d.log.DebugContext(r.Context(), "page not sent", "error", err)
	}
	return nil
}

// sourceOf is the address of a client in the words of a content security policy; empty where
// it cannot be said.
func sourceOf(redirect string) string {
	u, err := url.Parse(redirect)
	if err != nil || strings.Trim(u.Host, letters+".-:[]") != "" || strings.Trim(u.Scheme, letters+".-+") != "" {
		return ""
	}
	if u.Host == "" {
		return u.Scheme + ":"
	}
	return u.Scheme + "://" + u.Host
}

func (d *Door) style(w http.ResponseWriter, r *http.Request) error {
	text, err := files.ReadFile("pages/style.css")
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if _, err := w.Write(text); err != nil {
		d.log.DebugContext(r.Context(), "style not sent", "error", err)
	}
	return nil
}

// seeOther leads a browser on.
func seeOther(w http.ResponseWriter, to string) error {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}
