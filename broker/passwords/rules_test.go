package passwords

import (
	"errors"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
)

func TestRules(t *testing.T) {
	u := keyhatch.User{Name: "annika.berg", FullName: "Annika Lindqvist-Berg", Email: "a.berg@institute.example.org"}
	for _, good := range []string{
		"correct horse battery staple", "plum orbit candle seventeen", "kX9mP2vL8qR4tY7w", "ein pferd frisst gurkensalat", "über sieben kleine Brücken",
		"密码应该足够长而且不容易被别人猜到", strings.Repeat("plum orbit candle seventeen ", 9), "annika's tractor hums violet songs", "               four words and spaces beside",
	} {
		if err := checkNew(u, keyhatch.Secret(good)); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "plum orbit can", "14 characters!", strings.Repeat("x9 plum orbit ", 20), "plum orbit candle\x00seventeen", "plum orbit candle\nseventeen", "plum orbit candle \xff\xfe",
		"passwordpassword", "PasswordPassword1", "P@ssw0rdP@ssw0rd", "iloveyouiloveyou", "123456789012345", "qwertyuiopasdfgh", "abcdefghijklmnopq", "aaaaaaaaaaaaaaaaaaaaaaaa",
		"annika.bergannika.berg", "annika lindqvist", "a.berg@institute.example.org", "keyhatchkeyhatch", "4nn1k4 b3rg 1234", "11111111111111111", "2024202420242024",
		"               ", "monkey123monkey123", strings.Repeat("abc", 80), "密密密密密密密密密密密密密密密密",
	} {
		err := checkNew(u, keyhatch.Secret(bad))
		var e *keyhatch.Error
		if !errors.As(err, &e) || e.Code != keyhatch.CodeInvalidPassword || e.Field != "password" {
			t.Errorf("%q is let through: %v (%.1f bits)", bad, err, guessBits(bad, ownWords(u)))
		}
	}
}

// TestRulesCostLittle: no password of the greatest length is much work, as some are for
// the program that the lists come from.
func TestRulesCostLittle(t *testing.T) {
	ranks()
	for _, piece := range []string{"4", "a@", "41", "abc", "x9 plum orbit ", "1qaz"} {
		text := strings.Repeat(piece, keyhatch.MaxPasswordBytes)[:keyhatch.MaxPasswordBytes]
		if n := testing.AllocsPerRun(1, func() { guessBits(text, nil) }); n > 50_000 {
			t.Errorf("%q: %v allocations", piece, n)
		}
	}
}

func FuzzParseHash(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$argon2i$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$$$$$")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := parseHash(text)
		if err != nil {
			return
		}
		if h.text() != text {
			t.Errorf("%q is read as %q", text, h.text())
		}
		if h.memory > maxMemory || h.times == 0 || h.times > maxTimes || h.threads == 0 || h.threads > maxThreads || len(h.salt) < minSalt || len(h.sum) < minSum {
			t.Errorf("%q is believed", text)
		}
	})
}

func TestParseHash(t *testing.T) {
	made := hashed{cost: today, salt: random(saltBytes), sum: random(sumBytes)}
	if got, err := parseHash(made.text()); err != nil || got.cost != today || string(got.salt) != string(made.salt) || string(got.sum) != string(made.sum) {
		t.Errorf("%+v, %v", got, err)
	}
	whole := "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA"
	if _, err := parseHash(whole); err != nil {
		t.Fatal(err)
	}
	for what, swap := range map[string][2]string{
		"another function": {"argon2id", "argon2i"}, "another version": {"v=19", "v=16"}, "no memory": {"m=19456", "m=0"}, "too much memory": {"m=19456", "m=4194304"},
		"no pass": {"t=2", "t=0"}, "too many": {"t=2", "t=17"}, "no lane": {"p=1", "p=0"}, "a lane of 256": {"p=1", "p=257"}, "less than its lanes": {"m=19456", "m=7"},
		"a plus": {"t=2", "t=+2"}, "a zero before": {"t=2", "t=02"}, "order": {"t=2,p=1", "p=1,t=2"}, "padding": {"A$A", "A==$A"}, "loose bits": {"AAAAAAAAAAAAAAAAAAAAAA$", "AAAAAAAAAAAAAAAAAAAAAB$"},
		"short salt": {"AAAAAAAAAAAAAAAAAAAAAA$", "AAAA$"}, "no salt": {"AAAAAAAAAAAAAAAAAAAAAA$", "$"}, "more": {"p=1", "p=1,x=1"}, "in front": {"$argon2id", "x$argon2id"},
	} {
		text := strings.Replace(whole, swap[0], swap[1], 1)
		if text == whole {
			t.Fatalf("%s: nothing is swapped", what)
		}
		if _, err := parseHash(text); err == nil {
			t.Errorf("%s: %q is read", what, text)
		}
	}
}
