package wiretest

import "strings"

// InParts is the media type of what Parts writes.
const InParts = "multipart/form-data; boundary=X"

// Parts writes a form in parts; names and values alternate.
func Parts(named ...string) string {
	var out strings.Builder
	for i := 0; i+1 < len(named); i += 2 {
		out.WriteString("--X\r\nContent-Disposition: form-data; name=\"" + named[i] + "\"\r\n\r\n" + named[i+1] + "\r\n")
	}
	return out.String() + "--X--\r\n"
}
