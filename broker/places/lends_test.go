package places

import (
	"strings"
	"testing"
)

// TestConsoleTemplates: what would be no page of a console is refused when it is set.
func TestConsoleTemplates(t *testing.T) {
	t.Parallel()
	for template, fine := range map[string]bool{
		"": true, "https://console.example": true, "https://console.example/browser/{bucket}/{prefix}": true,
		"http://10.0.0.7:9001/browser/{bucket}?at={prefix}":   true,
		"https://console.example/{Bucket}":                    false,
		"https://console.example/{bucket}/{key}":              false,
		"https://console.example/{bucket":                     false,
		"https://console.example/{{bucket}}":                  false,
		"https://{bucket}.console.example/":                   false, // a name is no host's part
		"console.example/{bucket}":                            false,
		"javascript:alert(1)":                                 false,
		"https://ann:word@console.example/":                   false,
		"https://console.example/" + strings.Repeat("x", 500): false,
	} {
		if err := checkConsole(template); (err == nil) != fine {
			t.Errorf("%q: %v", template, err)
		}
	}
}
