package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/internal/devserver"
)

// TestOutside asks for what a write lease does not open. Each refusal must be
// the lease's doing: what is refused to it exists, and a lease for that place
// gets it with the same command.
func TestOutside(t *testing.T) {
	eachClient(t, func(t *testing.T, s place, name string, c client) {
		l := s.lend(t, s.own, "write")
		siblings := s.lend(t, siblingPrefix, "write")
		secret := content("sibling of "+name, 1000)
		theirs := siblingPrefix + "outside/" + name
		c.put(siblings, write(t, secret), theirs).must(t)

		t.Run("get from the sibling", func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "download")
			c.get(l, theirs, file).mustBeRefused(t, c.refusal(opGet, "AccessDenied"))
			mustNotHave(t, file, secret)
			c.get(siblings, theirs, file).must(t)
			mustHave(t, file, secret)
		})
		t.Run("list the sibling", func(t *testing.T) {
			_, r := c.list(l, siblingPrefix)
			r.mustBeRefused(t, c.refusal(opList, "AccessDenied"))
			mustNotSay(t, r, "outside/"+name)
			listed, r := c.list(siblings, siblingPrefix+"outside/")
			r.must(t)
			if len(listed) == 0 {
				t.Errorf("%s: lists nothing, so that nothing was refused", r.command)
			}
		})
		t.Run("remove from the sibling", func(t *testing.T) {
			if !can(name, opRemove) {
				return
			}
			c.remove(l, theirs).mustBeRefused(t, c.refusal(opRemove, "AccessDenied"))
			file := filepath.Join(t.TempDir(), "download")
			c.get(siblings, theirs, file).must(t)
			mustHave(t, file, secret)
		})
		for what, key := range map[string]string{
			"the sibling":                      siblingPrefix + "outside/intruder-" + name,
			"a prefix that begins like ours":   lookalikeStart + "intruder-" + name,
			"the bucket's root":                "intruder-" + name,
			"the name of our prefix, no slash": strings.TrimSuffix(s.own, "/"),
		} {
			t.Run("put into "+what, func(t *testing.T) {
				mustStoreNothing(t, s, func(data []byte) {
					c.put(l, write(t, data), key).mustBeRefused(t, c.refusal(opPut, "AccessDenied"))
				})
			})
		}
		t.Run("get from a prefix that begins like ours", func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "download")
			c.get(l, lookalikeStart+"x", file).mustBeRefused(t, c.refusal(opGet, "AccessDenied"))
		})
		for what, prefix := range map[string]string{
			"the bucket's root":              "",
			"a prefix that begins like ours": lookalikeStart,
		} {
			t.Run("list "+what, func(t *testing.T) {
				_, r := c.list(l, prefix)
				r.mustBeRefused(t, c.refusal(opList, "AccessDenied"))
				mustNotSay(t, r, "README")
			})
		}
	})
}

// TestListWithoutSlash asks for every key that begins like the lease's prefix,
// which would show those of alpha-evil/ too.
func TestListWithoutSlash(t *testing.T) {
	eachClient(t, func(t *testing.T, s place, name string, c client) {
		l := s.lend(t, s.own, "read")
		_, r := c.list(l, s.own)
		r.must(t)
		_, r = c.list(l, strings.TrimSuffix(s.own, "/"))
		r.mustBeRefused(t, c.refusal(opList, "AccessDenied"))
	}, "aws-s3", "aws-s3api", "boto3") // rclone ends every prefix with a slash
}

// TestReadLease may read and nothing else.
func TestReadLease(t *testing.T) {
	eachClient(t, func(t *testing.T, s place, name string, c client) {
		reader, writer := s.lend(t, s.own, "read"), s.lend(t, s.own, "write")
		key := s.own + "read-lease/" + name
		data := content(key, 1000)
		c.put(writer, write(t, data), key).must(t)
		file := filepath.Join(t.TempDir(), "download")

		t.Run("put", func(t *testing.T) {
			mustStoreNothing(t, s, func(data []byte) {
				c.put(reader, write(t, data), key+"-new").mustBeRefused(t, c.refusal(opPut, "AccessDenied"))
			})
		})
		t.Run("overwrite", func(t *testing.T) {
			mustStoreNothing(t, s, func(data []byte) {
				c.put(reader, write(t, data), key).mustBeRefused(t, c.refusal(opPut, "AccessDenied"))
			})
		})
		t.Run("remove", func(t *testing.T) {
			if !can(name, opRemove) {
				return
			}
			c.remove(reader, key).mustBeRefused(t, c.refusal(opRemove, "AccessDenied"))
		})
		t.Run("get", func(t *testing.T) {
			c.get(reader, key, file).must(t)
			mustHave(t, file, data)
		})
		t.Run("list", func(t *testing.T) {
			listed, r := c.list(reader, s.own+"read-lease/")
			r.must(t)
			if !strings.Contains(fmt.Sprint(listed), key) {
				t.Errorf("%s: does not list %s\n%s", r.command, key, r.output)
			}
		})
	})
}

// TestBadCredentials uses a lease that worked a moment ago, after it was
// revoked, or with a part of it changed.
func TestBadCredentials(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(t *testing.T, s place, l devserver.Lease) devserver.Lease
		codes []string
		only  string // the one client that is enough, when any is as good
		once  bool   // those that sign with boto3's library leave it to boto3
	}{
		{
			"revoked",
			func(t *testing.T, s place, l devserver.Lease) devserver.Lease {
				if err := s.Revoke(t.Context(), l.ID); err != nil {
					t.Fatal(err)
				}
				return l
			},
			[]string{"AccessDenied"},
			"", false,
		},
		{
			"wrong secret",
			func(_ *testing.T, _ place, l devserver.Lease) devserver.Lease {
				l.SecretAccessKey = spoiled(l.SecretAccessKey)
				return l
			},
			[]string{"SignatureDoesNotMatch"},
			"", true,
		},
		{
			"tampered session token",
			func(_ *testing.T, _ place, l devserver.Lease) devserver.Lease {
				l.SessionToken = spoiled(l.SessionToken)
				return l
			},
			[]string{"AccessDenied"},
			"", true,
		},
		{
			"the session token of another lease",
			func(t *testing.T, s place, l devserver.Lease) devserver.Lease {
				l.SessionToken = s.lend(t, s.own, "write").SessionToken
				return l
			},
			[]string{"AccessDenied"},
			"boto3", false,
		},
		{
			"no session token",
			func(_ *testing.T, _ place, l devserver.Lease) devserver.Lease {
				l.SessionToken = ""
				return l
			},
			[]string{"SignatureDoesNotMatch"},
			"boto3", false,
		},
	}
	eachClient(t, func(t *testing.T, s place, name string, c client) {
		for _, tt := range tests {
			if tt.only != "" && tt.only != name || tt.once && slices.Contains([]string{"aws-s3", "aws-s3api", "s3fs"}, name) {
				continue
			}
			t.Run(tt.name, func(t *testing.T) {
				l := s.lend(t, s.own, "write")
				key := s.own + "bad-credentials/" + name + "/" + strings.ReplaceAll(tt.name, " ", "-")
				data := content(key, 1000)
				file := filepath.Join(t.TempDir(), "download")
				c.put(l, write(t, data), key).must(t)
				c.get(l, key, file).must(t)
				mustHave(t, file, data)

				bad := tt.spoil(t, s, l)
				file = filepath.Join(t.TempDir(), "download")
				c.get(bad, key, file).mustBeRefused(t, c.refusal(opGet, tt.codes...))
				mustNotHave(t, file, data)
				mustStoreNothing(t, s, func(data []byte) {
					c.put(bad, write(t, data), key).mustBeRefused(t, c.refusal(opPut, tt.codes...))
				})
				if tt.name != "revoked" {
					return // refused as it is, whatever it is asked to do
				}
				_, r := c.list(bad, s.own)
				r.mustBeRefused(t, c.refusal(opList, tt.codes...))
				if can(name, opRemove) {
					c.remove(bad, key).mustBeRefused(t, c.refusal(opRemove, tt.codes...))
				}
				c.get(s.lend(t, s.own, "read"), key, file).must(t)
				mustHave(t, file, data)
			})
		}
	})
}

// spoiled changes one character in the middle of a secret to another one of
// the same alphabet.
func spoiled(secret string) string {
	i := len(secret) / 2
	other := "a"
	if secret[i] == 'a' {
		other = "b"
	}
	return secret[:i] + other + secret[i+1:]
}

// mustStoreNothing runs an upload that is to be refused, and looks whether its
// bytes came to lie anywhere in the server's data all the same.
func mustStoreNothing(t *testing.T, s place, put func(data []byte)) {
	t.Helper()
	data := []byte("must not be stored: " + t.Name() + ".")
	put(data)
	if s.holds(t, data) {
		t.Error("the upload was refused, and is stored")
	}
}

// TestHoldsFindsObjects shows that mustStoreNothing can fail: what was stored
// is found.
func TestHoldsFindsObjects(t *testing.T) {
	eachClient(t, func(t *testing.T, s place, name string, c client) {
		data := []byte("is stored: " + t.Name() + ".")
		if s.holds(t, data) {
			t.Fatal("found before it was stored")
		}
		c.put(s.lend(t, s.own, "write"), write(t, data), s.own+"holds/"+name).must(t)
		if !s.holds(t, data) {
			t.Error("not found after it was stored")
		}
	})
}

func mustNotHave(t *testing.T, file string, data []byte) {
	t.Helper()
	got, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(got), string(data)) {
		t.Error("the fetch was refused, and the bytes are here")
	}
}

func mustNotSay(t *testing.T, r result, text string) {
	t.Helper()
	if strings.Contains(r.output, text) {
		t.Errorf("%s: says %q, which it must not know\n%s", r.command, text, r.output)
	}
}
