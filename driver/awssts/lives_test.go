package awssts_test

import (
	"errors"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/awssts"
	"github.com/keyhatch/keyhatch/policy"
)

// TestLives: two hours where the store's role gives them, and an error that names the
// limit where it does not. The session ends when its answer says.
func TestLives(t *testing.T) {
	minio, rgw := openMinIO(t), openRGW(t)
	longer := *rgw
	longer.as.Authority.Principal = rgw.RoleOf(t, 2*time.Hour)
	for _, tc := range []struct {
		name string
		site *site
		life time.Duration
		want keyhatch.Code
	}{
		{"minio, two hours", minio, 2 * time.Hour, ""},
		{"minio, a week", minio, 7 * 24 * time.Hour, ""},
		{"minio, more", minio, 8 * 24 * time.Hour, keyhatch.CodeLifeExceedsLimit},
		{"minio, less", minio, time.Minute, keyhatch.CodeInvalidDuration},
		{"a role of two hours", &longer, 2 * time.Hour, ""},
		{"a role of two hours, three", &longer, 3 * time.Hour, keyhatch.CodeLifeExceedsLimit},
		{"a role of an hour", rgw, time.Hour, ""},
		{"a role of an hour, two", rgw, 2 * time.Hour, keyhatch.CodeLifeExceedsLimit},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bucket := tc.site.Bucket(t)
			tc.site.put(t, bucket, "a/in.txt")
			begun := time.Now()
			v, err := tc.site.vend(t.Context(), tc.life, policy.Open{Bucket: bucket, Prefix: "a/", Access: keyhatch.Read})
			if tc.want != "" {
				var failed *keyhatch.Error
				if !errors.As(err, &failed) || failed.Code != tc.want || failed.Field != "duration_seconds" || v.AccessKeyID != "" {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := v.ExpiresAt.Sub(begun); got < tc.life-time.Minute || got > tc.life+time.Minute {
				t.Errorf("it lasts %v", got)
			}
			if err := tc.site.get(t, v, bucket, "a/in.txt"); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestRefusalsOfRealStores: what stores say, each in its own form, becomes the fault
// that it is.
func TestRefusalsOfRealStores(t *testing.T) {
	minio, rgw := openMinIO(t), openRGW(t)
	changed := func(s *site, change func(*driver.Acting)) *site {
		other := *s
		if base := s.as.Base; base != nil {
			copied := *base
			other.as.Base = &copied
		}
		change(&other.as)
		return &other
	}
	for _, tc := range []struct {
		name string
		site *site
		want awssts.Fault
	}{
		{"minio, another secret", changed(minio, func(a *driver.Acting) { a.Authority.Secret = "another" }), awssts.WrongSecret},
		{"minio, an unknown key", changed(minio, func(a *driver.Acting) { a.Authority.Principal = "nobody" }), awssts.UnknownKeys},
		{"rgw, keys alone", changed(rgw, func(a *driver.Acting) { a.Authority, a.Base = *a.Base, nil }), awssts.NoRole},
		{"rgw, another role", changed(rgw, func(a *driver.Acting) { a.Authority.Principal = "arn:aws:iam:::role/none" }), awssts.UnknownRole},
		{"rgw, another secret", changed(rgw, func(a *driver.Acting) { a.Base.Secret = "another" }), awssts.AccessDenied},
	} {
		_, err := tc.site.vend(t.Context(), 15*time.Minute, policy.Open{Bucket: "lab", Prefix: "a/", Access: keyhatch.Read})
		if !errors.Is(err, tc.want) || !errors.Is(err, keyhatch.Unavailable) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}
