package drivertest

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

var listRows = []row{
	{name: "list with the prefix", lease: reading("a/"), try: list("a/", "a/in.txt", "a/sub/deep.txt"), want: allowed},
	{name: "list with the prefix and a write lease", lease: writing("a/"), try: list("a/", "a/in.txt", "a/sub/deep.txt"), want: allowed},
	{name: "list with a deeper prefix", lease: reading("a/"), try: list("a/sub/", "a/sub/deep.txt"), want: allowed},
	{name: "list with a prefix that ends inside a name", lease: reading("a/"), try: list("a/i", "a/in.txt"), want: allowed},
	{name: "list by folder", lease: reading("a/"), try: listFolder("a/", "a/in.txt", "a/sub/"), want: allowed},
	{name: "list with the prefix, version 1", lease: reading("a/"), try: listOne("a/", "", "a/in.txt", "a/sub/deep.txt"), want: allowed},
	{name: "list page by page", lease: reading("a/"), try: listPages("a/", "a/in.txt", "a/sub/deep.txt"), want: allowed},
	{name: "list after a key inside", lease: reading("a/"), try: listAfter("a/", "a/in.txt", "a/sub/deep.txt"), want: allowed},
	{name: "list after a key before the prefix reveals nothing", lease: reading("a/sub/"), try: listAfter("a/sub/", "a.txt", "a/sub/deep.txt"), want: allowed},
	{name: "list after a key behind the prefix reveals nothing", lease: reading("a/"), try: listAfter("a/", "ab"), want: allowed},
	// Some stores refuse such a marker.
	{name: "list from a marker behind the prefix reveals nothing, version 1", lease: reading("a/"), try: listOne("a/", "a0"), want: either},

	{name: "list without a prefix", lease: reading("a/"), try: listBare, want: denied},
	{name: "list without a prefix, version 1", lease: reading("a/"), try: listBareOne, want: denied},
	{name: "list without a prefix by folder", lease: reading("a/"), try: listBareFolder, want: denied},
	{name: "list at the prefix edge: the prefix without its slash", lease: reading("a/"), try: list("a"), want: denied},
	{name: "list at the prefix edge: by folder", lease: reading("a/"), try: listFolder("a"), want: denied},
	{name: "list at the prefix edge: a sibling", lease: reading("a/"), try: list("ab/"), want: denied},
	{name: "list above the prefix", lease: reading("a/"), try: list(""), want: denied},
	{name: "list above the prefix by folder", lease: reading("a/"), try: listFolder(""), want: denied},
	{name: "list another prefix", lease: reading("a/"), try: list("b/"), want: denied},
	{name: "list another prefix, version 1", lease: reading("a/"), try: listOne("b/", ""), want: denied},
	{name: "list another prefix after a key inside", lease: reading("a/"), try: listAfter("b/", "a/in.txt"), want: denied},
	{name: "list another prefix with a write lease", lease: writing("a/"), try: list("b/"), want: denied},
	{name: "list another prefix with a token from inside", lease: reading("a/"), try: carryToken("a/", "b/"), want: denied},
	{name: "list the same prefix of another bucket", lease: reading("a/"), try: list("other:a/"), want: denied},
	{name: "list by way of ..", lease: reading("a/"), try: list("a/../b/"), want: either},

	{name: "list versions inside", lease: reading("a/"), try: listVersions("a/", "a/in.txt", "a/sub/deep.txt"), want: allowed, needs: ObjectVersions},
	{name: "list versions of another prefix", lease: reading("a/"), try: listVersions("b/"), want: denied, needs: ObjectVersions},
	{name: "list versions at the prefix edge", lease: reading("a/"), try: listVersions("a"), want: denied, needs: ObjectVersions},
	{name: "list versions of everything", lease: reading("a/"), try: listAllVersions, want: denied, needs: ObjectVersions},
}

// held compares the keys of an answer with those it must hold.
func (v *visit) held(got []string, want []string) error {
	for i, name := range want {
		want[i] = v.at(name).key
	}
	if !slices.Equal(got, want) {
		return wrong("the list holds %q, want %q", got, want)
	}
	return nil
}

func keysOf(objects []types.Object, folders []types.CommonPrefix) []string {
	var out []string
	for _, o := range objects {
		out = append(out, aws.ToString(o.Key))
	}
	for _, f := range folders {
		out = append(out, aws.ToString(f.Prefix))
	}
	return out
}

// listing is a list of version 2.
func listing(prefix string, want []string, change func(*visit, *s3.ListObjectsV2Input)) attempt {
	return func(v *visit) error {
		p := v.at(prefix)
		in := &s3.ListObjectsV2Input{Bucket: &p.bucket, Prefix: &p.key}
		change(v, in)
		out, err := v.client().ListObjectsV2(v, in)
		if err != nil {
			return err
		}
		return v.held(keysOf(out.Contents, out.CommonPrefixes), slices.Clone(want))
	}
}

func list(prefix string, want ...string) attempt {
	return listing(prefix, want, func(*visit, *s3.ListObjectsV2Input) {})
}

func listFolder(prefix string, want ...string) attempt {
	return listing(prefix, want, func(_ *visit, in *s3.ListObjectsV2Input) { in.Delimiter = aws.String("/") })
}

func listAfter(prefix, after string, want ...string) attempt {
	return listing(prefix, want, func(v *visit, in *s3.ListObjectsV2Input) { in.StartAfter = aws.String(v.at(after).key) })
}

// listOne is a list of version 1.
func listOne(prefix, marker string, want ...string) attempt {
	return func(v *visit) error {
		p := v.at(prefix)
		in := &s3.ListObjectsInput{Bucket: &p.bucket, Prefix: &p.key}
		if marker != "" {
			in.Marker = aws.String(v.at(marker).key)
		}
		out, err := v.client().ListObjects(v, in)
		if err != nil {
			return err
		}
		return v.held(keysOf(out.Contents, out.CommonPrefixes), slices.Clone(want))
	}
}

func listPages(prefix string, want ...string) attempt {
	return func(v *visit) error {
		p := v.at(prefix)
		var got []string
		pages := s3.NewListObjectsV2Paginator(v.client(), &s3.ListObjectsV2Input{Bucket: &p.bucket, Prefix: &p.key, MaxKeys: aws.Int32(1)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(v)
			if err != nil {
				return err
			}
			if got = append(got, keysOf(page.Contents, page.CommonPrefixes)...); len(got) > len(want) {
				break // it need not end
			}
		}
		return v.held(got, slices.Clone(want))
	}
}

// carryToken begins a list and goes on with another prefix.
func carryToken(from, to string) attempt {
	return func(v *visit) error {
		p, q := v.at(from), v.at(to)
		begun, err := v.client().ListObjectsV2(v, &s3.ListObjectsV2Input{Bucket: &p.bucket, Prefix: &p.key, MaxKeys: aws.Int32(1)})
		if err != nil || begun.NextContinuationToken == nil {
			return wrong("a list with another page: %v", err)
		}
		_, err = v.client().ListObjectsV2(v, &s3.ListObjectsV2Input{Bucket: &q.bucket, Prefix: &q.key, ContinuationToken: begun.NextContinuationToken})
		return err
	}
}

func listBare(v *visit) error {
	_, err := v.client().ListObjectsV2(v, &s3.ListObjectsV2Input{Bucket: &v.site.Bucket})
	return err
}

func listBareOne(v *visit) error {
	_, err := v.client().ListObjects(v, &s3.ListObjectsInput{Bucket: &v.site.Bucket})
	return err
}

func listBareFolder(v *visit) error {
	_, err := v.client().ListObjectsV2(v, &s3.ListObjectsV2Input{Bucket: &v.site.Bucket, Delimiter: aws.String("/")})
	return err
}

func listVersions(prefix string, want ...string) attempt {
	return func(v *visit) error {
		p := v.at(prefix)
		out, err := v.client().ListObjectVersions(v, &s3.ListObjectVersionsInput{Bucket: &p.bucket, Prefix: &p.key})
		if err != nil {
			return err
		}
		var got []string
		for _, o := range out.Versions {
			got = append(got, aws.ToString(o.Key))
		}
		return v.held(got, slices.Clone(want))
	}
}

func listAllVersions(v *visit) error {
	_, err := v.client().ListObjectVersions(v, &s3.ListObjectVersionsInput{Bucket: &v.site.Bucket})
	return err
}
