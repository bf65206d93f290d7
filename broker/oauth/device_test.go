package oauth_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/oauth"
)

// device is one that waits.
func (w *world) device() oauth.Device {
	w.t.Helper()
	d, err := w.Broker.OAuth.StartDevice(w.t.Context(), w.app, oauth.Wanted{})
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func (w *world) poll(d oauth.Device) (oauth.Issued, error) {
	return w.Broker.OAuth.PollDevice(w.t.Context(), w.app, d.Secret)
}

// TestDevice: a device gets tokens when its user has typed the code, in any spelling, once.
func TestDevice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.device()
	if len(d.Code) != 9 || d.Code[4] != '-' || strings.ContainsAny(d.Code, "AEIOUY0123456789") {
		t.Errorf("the code is %q", d.Code)
	}
	refused(t, "before", only(w.poll(d)), oauth.ErrPending)
	for _, typed := range []string{d.Code, strings.ToLower(d.Code), " " + strings.ReplaceAll(d.Code, "-", "") + "\n", strings.Join(strings.Split(d.Code, ""), " ")} {
		found, err := w.Broker.OAuth.FindDevice(t.Context(), w.ann, typed)
		if err != nil || found.Client.Name != "app" || len(found.Scopes) != 1 {
			t.Errorf("%q finds %v, %v", typed, found, err)
		}
	}
	if err := w.Broker.OAuth.DecideDevice(t.Context(), w.ann, strings.ToLower(d.Code), true); err != nil {
		t.Fatal(err)
	}
	out, err := w.poll(d)
	if err != nil || !w.works(out.Access) || out.Refresh == "" || out.User.ID != w.ann.User.ID {
		t.Errorf("it has %v, %v", out.Scopes, err)
	}
	refused(t, "once more", only(w.poll(d)), oauth.ErrGrant)
	for _, allow := range []bool{true, false} {
		if err := w.Broker.OAuth.DecideDevice(t.Context(), w.ann, d.Code, allow); !errors.Is(err, keyhatch.NotFound) {
			t.Errorf("decided again: %v", err)
		}
	}
	if n := w.events(oauth.Consented); n != 1 {
		t.Errorf("%d consents are on record", n)
	}
}

// TestDeviceRefused: a user says no, and that stays.
func TestDeviceRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.device()
	if err := w.Broker.OAuth.DecideDevice(t.Context(), w.ann, d.Code, false); err != nil {
		t.Fatal(err)
	}
	if err := w.Broker.OAuth.DecideDevice(t.Context(), w.ann, d.Code, true); !errors.Is(err, keyhatch.NotFound) {
		t.Errorf("then allowed: %v", err)
	}
	refused(t, "it asks", only(w.poll(d)), oauth.ErrDenied)
	if n := w.events(oauth.DeviceRefused); n != 1 {
		t.Errorf("%d are on record", n)
	}
}

// TestDeviceOfAnother: a device's secret is its client's, and clients without the flow have
// none.
func TestDeviceOfAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.device()
	if err := w.Broker.OAuth.DecideDevice(t.Context(), w.ann, d.Code, true); err != nil {
		t.Fatal(err)
	}
	refused(t, "another client", only(w.Broker.OAuth.PollDevice(t.Context(), oauth.Proof{Client: "keyhatch"}, d.Secret)), oauth.ErrGrant)
	refused(t, "another secret", only(w.Broker.OAuth.PollDevice(t.Context(), w.app, keyhatch.DeviceCode.New())), oauth.ErrGrant)
	refused(t, "what the user types", only(w.Broker.OAuth.PollDevice(t.Context(), w.app, keyhatch.Secret(d.Code))), oauth.ErrGrant)
	refused(t, "without the flow", only(w.Broker.OAuth.StartDevice(t.Context(), w.web, oauth.Wanted{})), oauth.ErrFlow)
	refused(t, "a broader scope", only(w.Broker.OAuth.StartDevice(t.Context(), w.app, oauth.Wanted{Scopes: []keyhatch.Scope{"no"}})), oauth.ErrScope)
	if _, err := w.poll(d); err != nil {
		t.Errorf("its own: %v", err)
	}
}

// TestDeviceInTime: a device that asks too often is told to slow down, and more so each time;
// after ten minutes nobody can decide any more.
func TestDeviceInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		d := w.device()
		for _, c := range []struct {
			wait time.Duration
			want oauth.Refusal
		}{
			{0, oauth.ErrPending},
			{5 * time.Second, oauth.ErrPending},
			{4 * time.Second, oauth.ErrPending}, // its way here may be shorter
			{3 * time.Second, oauth.ErrSlowDown},
			{8 * time.Second, oauth.ErrSlowDown},
			{14 * time.Second, oauth.ErrPending},
			{15 * time.Second, oauth.ErrPending},
		} {
			time.Sleep(c.wait)
			refused(t, "after "+c.wait.String(), only(w.poll(d)), c.want)
		}
		late := w.device()
		time.Sleep(oauth.DeviceLife)
		refused(t, "too late", only(w.poll(late)), oauth.ErrExpired)
		if err := w.Broker.OAuth.DecideDevice(t.Context(), w.ann, late.Code, true); !errors.Is(err, keyhatch.NotFound) {
			t.Errorf("too late: %v", err)
		}
		if err := w.Broker.OAuth.Prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		refused(t, "removed", only(w.poll(late)), oauth.ErrGrant)
	})
}

// TestS12_CodesAreNotGuessed: a user has some tries a minute, wherever from; what is right
// costs none.
func TestS12_CodesAreNotGuessed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d, bob := w.device(), w.person("bob")
	for i := range 30 {
		if _, err := w.Broker.OAuth.FindDevice(t.Context(), w.ann, d.Code); err != nil {
			t.Fatalf("the right one, time %d: %v", i, err)
		}
	}
	for _, guess := range []string{"", "BBBB-BBBB", "BCDF", d.Code + "B", "ÄÖÜ", strings.Repeat("-", 100) + d.Code, d.Code[:8], "BCDFGHJK", "x", "1"} {
		if _, err := w.Broker.OAuth.FindDevice(t.Context(), w.ann, guess); !errors.Is(err, keyhatch.NotFound) {
			t.Errorf("%q: %v", guess, err)
		}
	}
	if _, err := w.Broker.OAuth.FindDevice(from(t, "192.0.2.7"), w.ann, d.Code); !errors.Is(err, keyhatch.TooMany) {
		t.Errorf("after ten: %v", err)
	}
	if err := w.Broker.OAuth.DecideDevice(t.Context(), w.ann, d.Code, true); !errors.Is(err, keyhatch.TooMany) {
		t.Errorf("after ten, decided: %v", err)
	}
	if _, err := w.Broker.OAuth.FindDevice(t.Context(), bob, d.Code); err != nil {
		t.Errorf("somebody else: %v", err)
	}
}

// TestS12_DevicesAreLimited: an address starts so many a minute.
func TestS12_DevicesAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	start := func(address string) error {
		return only(w.Broker.OAuth.StartDevice(from(t, address), w.app, oauth.Wanted{}))
	}
	for range 30 {
		if err := start("192.0.2.1"); err != nil {
			t.Fatal(err)
		}
	}
	if err := start("192.0.2.1"); !errors.Is(err, keyhatch.TooMany) {
		t.Errorf("one more: %v", err)
	}
	if err := start("192.0.2.2"); err != nil {
		t.Errorf("from elsewhere: %v", err)
	}
}

// TestLoginClient: the command line is a client without being registered, and its token lives
// as long as tokens may, or some months.
func TestLoginClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cli := oauth.Proof{Client: "keyhatch"}
	d, err := w.Broker.OAuth.StartDevice(t.Context(), cli, oauth.Wanted{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Broker.OAuth.DecideDevice(t.Context(), w.ann, d.Code, true); err != nil {
		t.Fatal(err)
	}
	out, err := w.Broker.OAuth.PollDevice(t.Context(), cli, d.Secret)
	if err != nil || !keyhatch.IsTokenSecret(out.Access.Reveal()) || out.Refresh != "" || out.Life != keyhatch.MaxAccessLife || !w.works(out.Access) {
		t.Errorf("it lives %s, %v", out.Life, err)
	}
	n := appClient()
	n.Name = "keyhatch"
	if _, _, err := w.Broker.OAuth.CreateClient(t.Context(), w.Admin, n); !errors.Is(err, keyhatch.Invalid) {
		t.Errorf("its name for another: %v", err)
	}
}
