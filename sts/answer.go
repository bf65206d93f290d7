package sts

import (
	"encoding/xml"
	"fmt"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/policy/sessionpolicy"
)

const namespace = "https://sts.amazonaws.com/doc/2011-06-15/"

// response is any answer but an error.
type response struct {
	XMLName  xml.Name // <action>Response
	Result   result
	Metadata struct {
		RequestID string `xml:"RequestId"`
	} `xml:"ResponseMetadata"`
}

// result is what an action answers with. Fields that it does not have are left out.
type result struct {
	XMLName         xml.Name         // <action>Result
	Subject         string           `xml:"SubjectFromWebIdentityToken,omitempty"`
	Audience        string           `xml:",omitempty"`
	AssumedRoleUser *assumedRoleUser `xml:",omitempty"`
	Credentials     *credentials     `xml:",omitempty"`
	Provider        string           `xml:",omitempty"`
	// PackedPolicySize is in percent of what there may be.
	PackedPolicySize int    `xml:",omitempty"`
	Arn              string `xml:",omitempty"`
	UserID           string `xml:"UserId,omitempty"`
	Account          string `xml:",omitempty"`
}

type assumedRoleUser struct {
	Arn           string
	AssumedRoleID string `xml:"AssumedRoleId"`
}

type credentials struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

// errorResponse is AWS's.
type errorResponse struct {
	XMLName xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ ErrorResponse"`
	Error   struct {
		Type    string // whose fault it is: Sender or Receiver
		Code    string
		Message string
	}
	RequestID string `xml:"RequestId"`
}

// assumed is the answer to a role that was assumed.
func assumed(l lending.Lent, ownPolicy string) result {
	r := result{
		AssumedRoleUser: &assumedRoleUser{Arn: arnOf(l.Lease), AssumedRoleID: idOf(l.Lease)},
		Credentials: &credentials{
			AccessKeyID: l.Credentials.AccessKeyID, SecretAccessKey: l.Credentials.SecretAccessKey.Reveal(),
			SessionToken: l.Credentials.SessionToken.Reveal(), Expiration: l.Lease.ExpiresAt.UTC().Format(time.RFC3339),
		},
	}
	if ownPolicy != "" {
		r.PackedPolicySize = max(1, len([]rune(ownPolicy))*100/sessionpolicy.MaxLength)
	}
	return r
}

// arnOf names the holder of a lease: its user, and what the lease is called, or
// its id when it has no name.
func arnOf(l keyhatch.Lease) string {
	return fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", account, l.User, sessionOf(l))
}

// idOf is unique to the lease.
func idOf(l keyhatch.Lease) string { return l.ID + ":" + sessionOf(l) }

func sessionOf(l keyhatch.Lease) string {
	if l.SessionName != "" {
		return l.SessionName
	}
	return l.ID
}
