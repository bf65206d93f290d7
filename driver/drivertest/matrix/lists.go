package matrix

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/keyhatch/keyhatch/driver/drivertest"
)

var listRows = []drivertest.Row{
	{Name: "list with the prefix", Lease: drivertest.Reading("a/"), Try: list("a/", "a/in.txt", "a/sub/deep.txt"), Want: drivertest.Allowed},
	{Name: "list with the prefix and a write lease", Lease: drivertest.Writing("a/"), Try: list("a/", "a/in.txt", "a/sub/deep.txt"), Want: drivertest.Allowed},
	{Name: "list with a deeper prefix", Lease: drivertest.Reading("a/"), Try: list("a/sub/", "a/sub/deep.txt"), Want: drivertest.Allowed},
	{Name: "list with a prefix that ends inside a name", Lease: drivertest.Reading("a/"), Try: list("a/i", "a/in.txt"), Want: drivertest.Allowed},
	{Name: "list by folder", Lease: drivertest.Reading("a/"), Try: listFolder("a/", "a/in.txt", "a/sub/"), Want: drivertest.Allowed},
	{Name: "list with the prefix, version 1", Lease: drivertest.Reading("a/"), Try: listOne("a/", "", "a/in.txt", "a/sub/deep.txt"), Want: drivertest.Allowed},
	{Name: "list page by page", Lease: drivertest.Reading("a/"), Try: listPages("a/", "a/in.txt", "a/sub/deep.txt"), Want: drivertest.Allowed},
	{Name: "list after a key inside", Lease: drivertest.Reading("a/"), Try: listAfter("a/", "a/in.txt", "a/sub/deep.txt"), Want: drivertest.Allowed},
	{Name: "list after a key before the prefix reveals nothing", Lease: drivertest.Reading("a/sub/"), Try: listAfter("a/sub/", "a.txt", "a/sub/deep.txt"), Want: drivertest.Allowed},
	{Name: "list after a key behind the prefix reveals nothing", Lease: drivertest.Reading("a/"), Try: listAfter("a/", "ab"), Want: drivertest.Allowed},
	// Some stores refuse such a marker.
	{Name: "list from a marker behind the prefix reveals nothing, version 1", Lease: drivertest.Reading("a/"), Try: listOne("a/", "a0"), Want: drivertest.Either},

	{Name: "list without a prefix", Lease: drivertest.Reading("a/"), Try: listBare, Want: drivertest.Denied},
	{Name: "list without a prefix, version 1", Lease: drivertest.Reading("a/"), Try: listBareOne, Want: drivertest.Denied},
	{Name: "list without a prefix by folder", Lease: drivertest.Reading("a/"), Try: listBareFolder, Want: drivertest.Denied},
	{Name: "list at the prefix edge: the prefix without its slash", Lease: drivertest.Reading("a/"), Try: list("a"), Want: drivertest.Denied},
	{Name: "list at the prefix edge: by folder", Lease: drivertest.Reading("a/"), Try: listFolder("a"), Want: drivertest.Denied},
	{Name: "list at the prefix edge: a sibling", Lease: drivertest.Reading("a/"), Try: list("ab/"), Want: drivertest.Denied},
	{Name: "list above the prefix", Lease: drivertest.Reading("a/"), Try: list(""), Want: drivertest.Denied},
	{Name: "list above the prefix by folder", Lease: drivertest.Reading("a/"), Try: listFolder(""), Want: drivertest.Denied},
	{Name: "list another prefix", Lease: drivertest.Reading("a/"), Try: list("b/"), Want: drivertest.Denied},
	{Name: "list another prefix, version 1", Lease: drivertest.Reading("a/"), Try: listOne("b/", ""), Want: drivertest.Denied},
	{Name: "list another prefix after a key inside", Lease: drivertest.Reading("a/"), Try: listAfter("b/", "a/in.txt"), Want: drivertest.Denied},
	{Name: "list another prefix with a write lease", Lease: drivertest.Writing("a/"), Try: list("b/"), Want: drivertest.Denied},
	{Name: "list another prefix with a token from inside", Lease: drivertest.Reading("a/"), Try: carryToken("a/", "b/"), Want: drivertest.Denied},
	{Name: "list the same prefix of another bucket", Lease: drivertest.Reading("a/"), Try: list("other:a/"), Want: drivertest.Denied},
	{Name: "list by way of ..", Lease: drivertest.Reading("a/"), Try: list("a/../b/"), Want: drivertest.Either},

	{Name: "list versions inside", Lease: drivertest.Reading("a/"), Try: listVersions("a/", "a/in.txt", "a/sub/deep.txt"), Want: drivertest.Allowed, Needs: drivertest.ObjectVersions},
	{Name: "list versions of another prefix", Lease: drivertest.Reading("a/"), Try: listVersions("b/"), Want: drivertest.Denied, Needs: drivertest.ObjectVersions},
	{Name: "list versions at the prefix edge", Lease: drivertest.Reading("a/"), Try: listVersions("a"), Want: drivertest.Denied, Needs: drivertest.ObjectVersions},
	{Name: "list versions of everything", Lease: drivertest.Reading("a/"), Try: listAllVersions, Want: drivertest.Denied, Needs: drivertest.ObjectVersions},
}

// held compares the keys of an answer with those it must hold.
func held(v *drivertest.Visit, got []string, want []string) error {
	for i, name := range want {
		want[i] = v.At(name).Key
	}
	if !slices.Equal(got, want) {
		return drivertest.Wrong("the list holds %q, want %q", got, want)
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
func listing(prefix string, want []string, change func(*drivertest.Visit, *s3.ListObjectsV2Input)) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		p := v.At(prefix)
		in := &s3.ListObjectsV2Input{Bucket: &p.Bucket, Prefix: &p.Key}
		change(v, in)
		out, err := v.Client().ListObjectsV2(v, in)
		if err != nil {
			return err
		}
		return held(v, keysOf(out.Contents, out.CommonPrefixes), slices.Clone(want))
	}
}

func list(prefix string, want ...string) drivertest.Attempt {
	return listing(prefix, want, func(*drivertest.Visit, *s3.ListObjectsV2Input) {})
}

func listFolder(prefix string, want ...string) drivertest.Attempt {
	return listing(prefix, want, func(_ *drivertest.Visit, in *s3.ListObjectsV2Input) { in.Delimiter = aws.String("/") })
}

func listAfter(prefix, after string, want ...string) drivertest.Attempt {
	return listing(prefix, want, func(v *drivertest.Visit, in *s3.ListObjectsV2Input) { in.StartAfter = aws.String(v.At(after).Key) })
}

// listOne is a list of version 1.
func listOne(prefix, marker string, want ...string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		p := v.At(prefix)
		in := &s3.ListObjectsInput{Bucket: &p.Bucket, Prefix: &p.Key}
		if marker != "" {
			in.Marker = aws.String(v.At(marker).Key)
		}
		out, err := v.Client().ListObjects(v, in)
		if err != nil {
			return err
		}
		return held(v, keysOf(out.Contents, out.CommonPrefixes), slices.Clone(want))
	}
}

func listPages(prefix string, want ...string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		p := v.At(prefix)
		var got []string
		pages := s3.NewListObjectsV2Paginator(v.Client(), &s3.ListObjectsV2Input{Bucket: &p.Bucket, Prefix: &p.Key, MaxKeys: aws.Int32(1)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(v)
			if err != nil {
				return err
			}
			if got = append(got, keysOf(page.Contents, page.CommonPrefixes)...); len(got) > len(want) {
				break // it need not end
			}
		}
		return held(v, got, slices.Clone(want))
	}
}

// carryToken begins a list and goes on with another prefix.
func carryToken(from, to string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		p, q := v.At(from), v.At(to)
		begun, err := v.Client().ListObjectsV2(v, &s3.ListObjectsV2Input{Bucket: &p.Bucket, Prefix: &p.Key, MaxKeys: aws.Int32(1)})
		if err != nil || begun.NextContinuationToken == nil {
			return drivertest.Wrong("a list with another page: %v", err)
		}
		_, err = v.Client().ListObjectsV2(v, &s3.ListObjectsV2Input{Bucket: &q.Bucket, Prefix: &q.Key, ContinuationToken: begun.NextContinuationToken})
		return err
	}
}

func listBare(v *drivertest.Visit) error {
	_, err := v.Client().ListObjectsV2(v, &s3.ListObjectsV2Input{Bucket: &v.Site.Bucket})
	return err
}

func listBareOne(v *drivertest.Visit) error {
	_, err := v.Client().ListObjects(v, &s3.ListObjectsInput{Bucket: &v.Site.Bucket})
	return err
}

func listBareFolder(v *drivertest.Visit) error {
	_, err := v.Client().ListObjectsV2(v, &s3.ListObjectsV2Input{Bucket: &v.Site.Bucket, Delimiter: aws.String("/")})
	return err
}

func listVersions(prefix string, want ...string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		p := v.At(prefix)
		out, err := v.Client().ListObjectVersions(v, &s3.ListObjectVersionsInput{Bucket: &p.Bucket, Prefix: &p.Key})
		if err != nil {
			return err
		}
		var got []string
		for _, o := range out.Versions {
			got = append(got, aws.ToString(o.Key))
		}
		return held(v, got, slices.Clone(want))
	}
}

func listAllVersions(v *drivertest.Visit) error {
	_, err := v.Client().ListObjectVersions(v, &s3.ListObjectVersionsInput{Bucket: &v.Site.Bucket})
	return err
}
