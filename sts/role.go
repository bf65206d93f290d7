package sts

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/lending"
)

// A role is what is asked for, written as the ARN of an IAM role, so that every
// client takes it:
//
//	arn:aws:iam::000000000000:role/keyhatch/ACCESS/s3/BUCKET/PREFIX/
//	arn:aws:iam::000000000000:role/keyhatch/ACCESS/location/ID-OR-NAME/PREFIX/
//	arn:aws:iam::000000000000:role/keyhatch/ACCESS/workspace/ID-OR-NAME/…
//
// ACCESS is read or write; the last form says in which workspace one of the others is
// meant. A prefix may be left away, and its last slash. Nothing is decoded: what
// stands there is the prefix.
const roleBeginning = "arn:aws:iam::" + account + ":role/keyhatch/"

// account is that of every ARN here; clients want twelve digits.
const account = "000000000000"

// The bounds of RoleArn, in characters.
const (
	minRole = 20
	maxRole = 2048
)

// parseRole reads a role.
func parseRole(arn string) (lending.LeaseRequest, error) {
	if n := utf8.RuneCountInString(arn); n < minRole || n > maxRole {
		return lending.LeaseRequest{}, validation(fmt.Sprintf("RoleArn has %d to %d characters", minRole, maxRole))
	}
	text, ok := strings.CutPrefix(arn, roleBeginning)
	access, text, _ := strings.Cut(text, "/")
	kind, text, _ := strings.Cut(text, "/")
	r := lending.LeaseRequest{Access: keyhatch.Access(access)}
	if kind == "workspace" {
		r.Workspace, text, _ = strings.Cut(text, "/")
		kind, text, _ = strings.Cut(text, "/")
		ok = ok && r.Workspace != ""
	}
	switch kind {
	case "s3":
		r.Location = "s3://" + text
	case "location":
		prefix := ""
		if r.Location, prefix, _ = strings.Cut(text, "/"); prefix != "" {
			r.Prefixes = []string{prefix}
		}
	default:
		ok = false
	}
	if _, err := keyhatch.ParseAccess(access); err != nil || !ok || text == "" {
		return lending.LeaseRequest{}, validation("RoleArn must be " + roleBeginning +
			"ACCESS/s3/BUCKET/PREFIX/ or .../ACCESS/location/NAME, where ACCESS is read or write; .../ACCESS/workspace/NAME/s3/... says in which workspace")
	}
	return r, nil
}

// request is what the parameters of both ways to assume a role ask for.
func (f form) request() (lending.LeaseRequest, error) {
	r, err := parseRole(f["RoleArn"])
	if err != nil {
		return r, err
	}
	r.SessionName, r.Policy = f["RoleSessionName"], f["Policy"]
	if _, asked := f["Policy"]; asked && r.Policy == "" {
		return r, validation("Policy must not be empty: leave it away for none")
	}
	if text, asked := f["DurationSeconds"]; asked {
		seconds, err := strconv.ParseUint(text, 10, 31)
		if err != nil || seconds == 0 {
			return r, validation("DurationSeconds must be a whole number of seconds")
		}
		r.Life = time.Duration(seconds) * time.Second
	}
	return r, nil
}
