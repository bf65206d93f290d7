package matrix

import (
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/keyhatch/keyhatch/driver/drivertest"
)

var readRows = []drivertest.Row{
	{Name: "get inside", Lease: drivertest.Reading("a/"), Try: get("a/in.txt"), Want: drivertest.Allowed},
	{Name: "get inside with a write lease", Lease: drivertest.Writing("a/"), Try: get("a/in.txt"), Want: drivertest.Allowed},
	{Name: "get deep inside", Lease: drivertest.Reading("a/"), Try: get("a/sub/deep.txt"), Want: drivertest.Allowed},
	{Name: "get a range inside", Lease: drivertest.Reading("a/"), Try: getRange("a/in.txt"), Want: drivertest.Allowed},
	{Name: "head inside", Lease: drivertest.Reading("a/"), Try: head("a/in.txt"), Want: drivertest.Allowed},
	{Name: "get part one inside", Lease: drivertest.Reading("a/"), Try: getPart("a/in.txt"), Want: drivertest.Allowed},
	{Name: "get tags inside", Lease: drivertest.Reading("a/"), Try: getTags("a/in.txt"), Want: drivertest.Allowed, Needs: drivertest.Tagging},
	{Name: "get attributes inside", Lease: drivertest.Reading("a/"), Try: getAttributes("a/in.txt"), Want: drivertest.Allowed, Needs: drivertest.ObjectAttributes},
	{Name: "get what does not exist inside", Lease: drivertest.Reading("a/"), Try: get("a/none.txt"), Want: drivertest.Missing, Needs: drivertest.MissingKeys, Without: drivertest.Denied},
	{Name: "head what does not exist inside", Lease: drivertest.Reading("a/"), Try: head("a/none.txt"), Want: drivertest.Missing, Needs: drivertest.MissingKeys, Without: drivertest.Denied},

	{Name: "get at the prefix edge: a sibling folder's", Lease: drivertest.Reading("a/"), Try: get("ab/out.txt"), Want: drivertest.Denied},
	{Name: "get at the prefix edge: a sibling object", Lease: drivertest.Reading("a/"), Try: get("a.txt"), Want: drivertest.Denied},
	{Name: "get at the prefix edge: the prefix without its slash", Lease: drivertest.Reading("a/"), Try: get("a"), Want: drivertest.Denied},
	{Name: "get at the prefix edge: with a write lease", Lease: drivertest.Writing("a/"), Try: get("ab/out.txt"), Want: drivertest.Denied},
	{Name: "get in another prefix", Lease: drivertest.Reading("a/"), Try: get("b/out.txt"), Want: drivertest.Denied},
	{Name: "get above the prefix", Lease: drivertest.Reading("a/sub/"), Try: get("a/in.txt"), Want: drivertest.Denied},
	{Name: "get in the prefix in capitals", Lease: drivertest.Reading("a/"), Try: get("A/in.txt"), Want: drivertest.Denied},
	{Name: "get the same key in another bucket", Lease: drivertest.Reading("a/"), Try: get("other:a/in.txt"), Want: drivertest.Denied},
	{Name: "get in a bucket that does not exist", Lease: drivertest.Reading("a/"), Try: getFromStranger, Want: drivertest.Refused},
	{Name: "get a range outside", Lease: drivertest.Reading("a/"), Try: getRange("b/out.txt"), Want: drivertest.Denied},
	{Name: "get part one outside", Lease: drivertest.Reading("a/"), Try: getPart("b/out.txt"), Want: drivertest.Denied},
	{Name: "get the null version outside", Lease: drivertest.Reading("a/"), Try: getNullVersion("b/out.txt"), Want: drivertest.Denied},
	{Name: "get outside if it changed", Lease: drivertest.Reading("a/"), Try: getIfChanged("b/out.txt"), Want: drivertest.Denied},
	{Name: "head outside", Lease: drivertest.Reading("a/"), Try: head("b/out.txt"), Want: drivertest.Denied},
	{Name: "head at the prefix edge", Lease: drivertest.Reading("a/"), Try: head("ab/out.txt"), Want: drivertest.Denied},
	{Name: "get tags outside", Lease: drivertest.Reading("a/"), Try: getTags("b/out.txt"), Want: drivertest.Denied, Needs: drivertest.Tagging},
	{Name: "get attributes outside", Lease: drivertest.Reading("a/"), Try: getAttributes("b/out.txt"), Want: drivertest.Denied, Needs: drivertest.ObjectAttributes},
	// Whether something exists outside is told by nothing.
	{Name: "get what does not exist outside", Lease: drivertest.Reading("a/"), Try: get("b/none.txt"), Want: drivertest.Denied},
	{Name: "head what does not exist outside", Lease: drivertest.Reading("a/"), Try: head("b/none.txt"), Want: drivertest.Denied},

	// A store may take these for keys of these very letters, or for nothing at
	// all, but never for another way to what lies outside.
	{Name: "get by way of ..", Lease: drivertest.Reading("a/"), Try: get("a/../b/out.txt"), Want: drivertest.Refused},
	{Name: "get by way of . and ..", Lease: drivertest.Reading("a/"), Try: get("a/./../b/out.txt"), Want: drivertest.Refused},
	{Name: "get by way of .. after an empty segment", Lease: drivertest.Reading("a/"), Try: get("a//../b/out.txt"), Want: drivertest.Refused},
	{Name: "get by way of an encoded ..", Lease: drivertest.Reading("a/"), Try: get("a/%2e%2e/b/out.txt"), Want: drivertest.Refused},
	{Name: "get by way of an encoded slash", Lease: drivertest.Reading("a/"), Try: get("a/..%2Fb/out.txt"), Want: drivertest.Refused},
	{Name: "get by way of a backslash", Lease: drivertest.Reading("a/"), Try: get(`a/..\b\out.txt`), Want: drivertest.Refused},
	{Name: "get with a slash before a key inside", Lease: drivertest.Reading("a/"), Try: getRaw("/", "a/in.txt"), Want: drivertest.Either},
	{Name: "get with a slash before a key outside", Lease: drivertest.Reading("a/"), Try: getRaw("/", "b/out.txt"), Want: drivertest.Refused},
	{Name: "get by way of another bucket and ..", Lease: drivertest.Reading("a/"), Try: getRaw("../", "other:a/in.txt"), Want: drivertest.Refused},
}

func get(name string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		p := v.At(name)
		return got(v, p, 0, "", &s3.GetObjectInput{Bucket: &p.Bucket, Key: &p.Key})
	}
}

// got gets an object and looks at what came.
func got(v *drivertest.Visit, p drivertest.Place, from int, until string, in *s3.GetObjectInput) error {
	out, err := v.Client().GetObject(v, in)
	if err != nil {
		return err
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	if err != nil {
		return err
	}
	want, known := v.Body(p)
	if until != "" {
		want = want[from:][:len(until)]
	}
	if known && string(body) != want {
		return drivertest.Wrong("got %q, want %q", body, want)
	}
	return nil
}

func getRange(name string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		p := v.At(name)
		// All of the secret word, but not its beginning.
		return got(v, p, 4, "body of ", &s3.GetObjectInput{Bucket: &p.Bucket, Key: &p.Key, Range: aws.String("bytes=4-11")})
	}
}

func getPart(name string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		p := v.At(name)
		return got(v, p, 0, "", &s3.GetObjectInput{Bucket: &p.Bucket, Key: &p.Key, PartNumber: aws.Int32(1)})
	}
}

func getNullVersion(name string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		p := v.At(name)
		return got(v, p, 0, "", &s3.GetObjectInput{Bucket: &p.Bucket, Key: &p.Key, VersionId: aws.String("null")})
	}
}

func getIfChanged(name string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		p := v.At(name)
		behind, err := v.Site.Store.HeadObject(v, &s3.HeadObjectInput{Bucket: &p.Bucket, Key: &p.Key})
		if err != nil {
			return drivertest.Wrong("head behind the lease: %v", err)
		}
		return got(v, p, 0, "", &s3.GetObjectInput{Bucket: &p.Bucket, Key: &p.Key, IfNoneMatch: behind.ETag})
	}
}

// getRaw gets with something before a key that the world does not put there.
func getRaw(before, name string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		p := v.At(name)
		key := before + p.Key
		if p.Bucket != v.Site.Bucket {
			key = before + p.Bucket + "/" + p.Key
		}
		_, err := v.Client().GetObject(v, &s3.GetObjectInput{Bucket: &v.Site.Bucket, Key: &key})
		return err
	}
}

func getFromStranger(v *drivertest.Visit) error {
	_, err := v.Client().GetObject(v, &s3.GetObjectInput{Bucket: &v.Stranger, Key: aws.String(v.At("a/in.txt").Key)})
	return err
}

func head(name string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		p := v.At(name)
		out, err := v.Client().HeadObject(v, &s3.HeadObjectInput{Bucket: &p.Bucket, Key: &p.Key})
		if err == nil && aws.ToInt64(out.ContentLength) != int64(len(v.Bodies[p])) {
			return drivertest.Wrong("a length of %d, want %d", aws.ToInt64(out.ContentLength), len(v.Bodies[p]))
		}
		return err
	}
}

func getTags(name string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		p := v.At(name)
		_, err := v.Client().GetObjectTagging(v, &s3.GetObjectTaggingInput{Bucket: &p.Bucket, Key: &p.Key})
		return err
	}
}

func getAttributes(name string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		p := v.At(name)
		out, err := v.Client().GetObjectAttributes(v, &s3.GetObjectAttributesInput{
			Bucket: &p.Bucket, Key: &p.Key, ObjectAttributes: []types.ObjectAttributes{types.ObjectAttributesObjectSize, types.ObjectAttributesEtag},
		})
		if err == nil && aws.ToInt64(out.ObjectSize) != int64(len(v.Bodies[p])) {
			return drivertest.Wrong("a size of %d, want %d", aws.ToInt64(out.ObjectSize), len(v.Bodies[p]))
		}
		return err
	}
}
