package provena

import (
	"cmp"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/lending"
)

// fetched is what is told of a dataset.
type fetched struct {
	Status status   `json:"status"`
	Item   dataset  `json:"item"`
	Roles  []string `json:"roles"`
	Locked bool     `json:"locked"`
}

// dataset is a location as the format's registry tells of a dataset. Keyhatch knows of the
// data where it lies and whose it is: the rest says that it is not known.
type dataset struct {
	ID            string     `json:"id"`
	OwnerUsername string     `json:"owner_username"`
	Created       int64      `json:"created_timestamp"`
	Updated       int64      `json:"updated_timestamp"`
	Category      string     `json:"item_category"`
	Subtype       string     `json:"item_subtype"`
	RecordType    string     `json:"record_type"`
	DisplayName   string     `json:"display_name"`
	History       []struct{} `json:"history"`
	S3            place      `json:"s3"`
	ReleaseStatus string     `json:"release_status"`
	Format        collection `json:"collection_format"`
}

type place struct {
	BucketName string `json:"bucket_name"`
	Path       string `json:"path"`
	URI        string `json:"s3_uri"`
}

// collection is the part of a dataset in which clients take a field that they do not know,
// or an empty text, for a fault.
type collection struct {
	Associations associations `json:"associations"`
	Approvals    approvals    `json:"approvals"`
	Info         info         `json:"dataset_info"`
}

type associations struct {
	Organisation string `json:"organisation_id"`
}

type approvals struct {
	EthicsRegistration  approval `json:"ethics_registration"`
	EthicsAccess        approval `json:"ethics_access"`
	IndigenousKnowledge approval `json:"indigenous_knowledge"`
	ExportControls      approval `json:"export_controls"`
}

type approval struct {
	Relevant bool `json:"relevant"`
	Obtained bool `json:"obtained"`
}

type info struct {
	Name        string     `json:"name"`
	Description string     `json:"description"`
	Access      accessInfo `json:"access_info"`
	Publisher   string     `json:"publisher_id"`
	Created     date       `json:"created_date"`
	Published   date       `json:"published_date"`
	License     string     `json:"license"`
}

type accessInfo struct {
	Reposited bool `json:"reposited"`
}

type date struct {
	Relevant bool `json:"relevant"`
}

// noLicense is the URL, which clients demand, of a license that is not known.
const noLicense = "https://example.org/license-not-recorded"

// releases are the words for how far publishing has come.
var releases = map[keyhatch.Release]string{
	keyhatch.NotReleased: "NOT_RELEASED", keyhatch.ReleasePending: "PENDING", keyhatch.Released: "RELEASED",
}

func (d *Door) fetchDataset(c *call) (any, error) {
	handles, said := c.query["handle_id"]
	if !said {
		return nil, invalid(problem{[]any{"query", "handle_id"}, "field required", "value_error.missing"})
	}
	handle := handles[len(handles)-1]
	if handle == "" {
		return nil, &refusal{status: http.StatusBadRequest, detail: "Empty string received for query handle_id"}
	}
	at, err := d.lending.Reach(c.ctx, c.caller, c.workspace, handle)
	if err != nil {
		return nil, during(finding, err)
	}
	owner, err := d.people.User(c.ctx, c.caller, at.Location.Owner)
	if errors.Is(err, keyhatch.NotFound) { // whom the caller may not see
		owner, err = keyhatch.User{Name: at.Location.Owner}, nil
	}
	return fetched{
		Status: status{true, "Successfully fetched the dataset."},
		Item:   encode(at.Location, owner.Name), Roles: rolesAt(at), Locked: at.Location.Locked,
	}, err
}

// rolesAt are the format's words for what the caller may with the dataset.
func rolesAt(at lending.Reach) []string {
	out := []string{"metadata-read"}
	for _, r := range []struct {
		name string
		is   bool
	}{{"dataset-data-read", at.Read}, {"dataset-data-write", at.Write}, {"admin", at.Decides}} {
		if r.is {
			out = append(out, r.name)
		}
	}
	return out
}

func encode(l keyhatch.Location, owner string) dataset {
	url := l.URL().String()
	return dataset{
		ID: l.ID, OwnerUsername: owner, Created: l.CreatedAt.Unix(), Updated: l.CreatedAt.Unix(),
		Category: "ENTITY", Subtype: "DATASET", RecordType: "COMPLETE_ITEM", DisplayName: l.Name, History: []struct{}{},
		S3:            place{BucketName: l.BucketName, Path: string(l.Prefix), URI: url},
		ReleaseStatus: releases[l.Release],
		Format: collection{
			Associations: associations{Organisation: l.Workspace},
			Info: info{
				Name: l.Name, Description: "The objects in " + url, Access: accessInfo{Reposited: true},
				Publisher: l.Workspace, License: noLicense,
			},
		},
	}
}

// signed is the answer to a request for a presigned URL.
type signed struct {
	Dataset string `json:"dataset_id"`
	Path    string `json:"file_path"`
	URL     string `json:"presigned_url"`
}

// defaultURL is how long a URL works at most when nothing is asked.
const defaultURL = 3 * time.Hour

// presign makes a URL with which whoever has it keeps one file of a dataset. What is asked
// is the most: clients send three hours where their users say nothing, with signed tokens
// that end before. The URL tells how long it works.
func (d *Door) presign(c *call) (any, error) {
	f, err := c.body.file()
	if err != nil {
		return nil, err
	}
	if strings.Contains(f.path, "..") || strings.Contains(f.path, "//") || strings.Contains(f.path, `\`) || strings.HasPrefix(f.path, "/") {
		return nil, &refusal{status: http.StatusBadRequest, detail: `Invalid file path: it must not begin with a slash or contain "..", "//" or a backslash.`}
	}
	at, err := d.lending.Reach(c.ctx, c.caller, c.workspace, f.dataset)
	if err != nil {
		return nil, during(finding, err)
	}
	if !at.Read {
		return nil, mayNotRead
	}
	l, key := at.Location, string(at.Prefix)+f.path
	o, err := d.buckets.Object(c.ctx, c.caller, l.Workspace, l.Bucket, key)
	var e *keyhatch.Error
	switch {
	case errors.As(err, &e) && e.Code == keyhatch.CodeObjectNotFound, err == nil && o.Folder:
		return nil, &refusal{status: http.StatusBadRequest, detail: "The file does not exist in the dataset."}
	case e != nil && e.Code == keyhatch.CodeStoreUnsupported: // a role lends sessions and looks at nothing: who has the URL sees
	case err != nil:
		return nil, during(signing, err)
	}
	made, err := d.lending.Presign(c.ctx, c.caller, lending.PresignRequest{
		Workspace: l.Workspace, Bucket: l.Bucket, Key: key, UpTo: cmp.Or(time.Duration(f.seconds)*time.Second, defaultURL), Attachment: true,
	})
	if err != nil {
		return nil, during(signing, err)
	}
	return signed{f.dataset, f.path, made.URL.Reveal()}, nil
}
