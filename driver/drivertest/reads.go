package drivertest

import (
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

var readRows = []row{
	{name: "get inside", lease: reading("a/"), try: get("a/in.txt"), want: allowed},
	{name: "get inside with a write lease", lease: writing("a/"), try: get("a/in.txt"), want: allowed},
	{name: "get deep inside", lease: reading("a/"), try: get("a/sub/deep.txt"), want: allowed},
	{name: "get a range inside", lease: reading("a/"), try: getRange("a/in.txt"), want: allowed},
	{name: "head inside", lease: reading("a/"), try: head("a/in.txt"), want: allowed},
	{name: "get part one inside", lease: reading("a/"), try: getPart("a/in.txt"), want: allowed},
	{name: "get tags inside", lease: reading("a/"), try: getTags("a/in.txt"), want: allowed, needs: Tagging},
	{name: "get attributes inside", lease: reading("a/"), try: getAttributes("a/in.txt"), want: allowed, needs: ObjectAttributes},
	{name: "get what does not exist inside", lease: reading("a/"), try: get("a/none.txt"), want: missing, needs: MissingKeys, without: denied},
	{name: "head what does not exist inside", lease: reading("a/"), try: head("a/none.txt"), want: missing, needs: MissingKeys, without: denied},

	{name: "get at the prefix edge: a sibling folder's", lease: reading("a/"), try: get("ab/out.txt"), want: denied},
	{name: "get at the prefix edge: a sibling object", lease: reading("a/"), try: get("a.txt"), want: denied},
	{name: "get at the prefix edge: the prefix without its slash", lease: reading("a/"), try: get("a"), want: denied},
	{name: "get at the prefix edge: with a write lease", lease: writing("a/"), try: get("ab/out.txt"), want: denied},
	{name: "get in another prefix", lease: reading("a/"), try: get("b/out.txt"), want: denied},
	{name: "get above the prefix", lease: reading("a/sub/"), try: get("a/in.txt"), want: denied},
	{name: "get in the prefix in capitals", lease: reading("a/"), try: get("A/in.txt"), want: denied},
	{name: "get the same key in another bucket", lease: reading("a/"), try: get("other:a/in.txt"), want: denied},
	{name: "get in a bucket that does not exist", lease: reading("a/"), try: getFromStranger, want: refused},
	{name: "get a range outside", lease: reading("a/"), try: getRange("b/out.txt"), want: denied},
	{name: "get part one outside", lease: reading("a/"), try: getPart("b/out.txt"), want: denied},
	{name: "get the null version outside", lease: reading("a/"), try: getNullVersion("b/out.txt"), want: denied},
	{name: "get outside if it changed", lease: reading("a/"), try: getIfChanged("b/out.txt"), want: denied},
	{name: "head outside", lease: reading("a/"), try: head("b/out.txt"), want: denied},
	{name: "head at the prefix edge", lease: reading("a/"), try: head("ab/out.txt"), want: denied},
	{name: "get tags outside", lease: reading("a/"), try: getTags("b/out.txt"), want: denied, needs: Tagging},
	{name: "get attributes outside", lease: reading("a/"), try: getAttributes("b/out.txt"), want: denied, needs: ObjectAttributes},
	// Whether something exists outside is told by nothing.
	{name: "get what does not exist outside", lease: reading("a/"), try: get("b/none.txt"), want: denied},
	{name: "head what does not exist outside", lease: reading("a/"), try: head("b/none.txt"), want: denied},

	// A store may take these for keys of these very letters, or for nothing at
	// all, but never for another way to what lies outside.
	{name: "get by way of ..", lease: reading("a/"), try: get("a/../b/out.txt"), want: refused},
	{name: "get by way of . and ..", lease: reading("a/"), try: get("a/./../b/out.txt"), want: refused},
	{name: "get by way of .. after an empty segment", lease: reading("a/"), try: get("a//../b/out.txt"), want: refused},
	{name: "get by way of an encoded ..", lease: reading("a/"), try: get("a/%2e%2e/b/out.txt"), want: refused},
	{name: "get by way of an encoded slash", lease: reading("a/"), try: get("a/..%2Fb/out.txt"), want: refused},
	{name: "get by way of a backslash", lease: reading("a/"), try: get(`a/..\b\out.txt`), want: refused},
	{name: "get with a slash before a key inside", lease: reading("a/"), try: getRaw("/", "a/in.txt"), want: either},
	{name: "get with a slash before a key outside", lease: reading("a/"), try: getRaw("/", "b/out.txt"), want: refused},
	{name: "get by way of another bucket and ..", lease: reading("a/"), try: getRaw("../", "other:a/in.txt"), want: refused},
}

func get(name string) attempt {
	return func(v *visit) error {
		p := v.at(name)
		return v.got(p, 0, "", &s3.GetObjectInput{Bucket: &p.bucket, Key: &p.key})
	}
}

// got gets an object and looks at what came.
func (v *visit) got(p place, from int, until string, in *s3.GetObjectInput) error {
	out, err := v.client().GetObject(v, in)
	if err != nil {
		return err
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	if err != nil {
		return err
	}
	want, known := v.body(p)
	if until != "" {
		want = want[from:][:len(until)]
	}
	if known && string(body) != want {
		return wrong("got %q, want %q", body, want)
	}
	return nil
}

func getRange(name string) attempt {
	return func(v *visit) error {
		p := v.at(name)
		// All of the secret word, but not its beginning.
		return v.got(p, 4, "body of ", &s3.GetObjectInput{Bucket: &p.bucket, Key: &p.key, Range: aws.String("bytes=4-11")})
	}
}

func getPart(name string) attempt {
	return func(v *visit) error {
		p := v.at(name)
		return v.got(p, 0, "", &s3.GetObjectInput{Bucket: &p.bucket, Key: &p.key, PartNumber: aws.Int32(1)})
	}
}

func getNullVersion(name string) attempt {
	return func(v *visit) error {
		p := v.at(name)
		return v.got(p, 0, "", &s3.GetObjectInput{Bucket: &p.bucket, Key: &p.key, VersionId: aws.String("null")})
	}
}

func getIfChanged(name string) attempt {
	return func(v *visit) error {
		p := v.at(name)
		behind, err := v.site.Store.HeadObject(v, &s3.HeadObjectInput{Bucket: &p.bucket, Key: &p.key})
		if err != nil {
			return wrong("head behind the lease: %v", err)
		}
		return v.got(p, 0, "", &s3.GetObjectInput{Bucket: &p.bucket, Key: &p.key, IfNoneMatch: behind.ETag})
	}
}

// getRaw gets with something before a key that the world does not put there.
func getRaw(before, name string) attempt {
	return func(v *visit) error {
		p := v.at(name)
		key := before + p.key
		if p.bucket != v.site.Bucket {
			key = before + p.bucket + "/" + p.key
		}
		_, err := v.client().GetObject(v, &s3.GetObjectInput{Bucket: &v.site.Bucket, Key: &key})
		return err
	}
}

func getFromStranger(v *visit) error {
	_, err := v.client().GetObject(v, &s3.GetObjectInput{Bucket: &v.stranger, Key: aws.String(v.at("a/in.txt").key)})
	return err
}

func head(name string) attempt {
	return func(v *visit) error {
		p := v.at(name)
		out, err := v.client().HeadObject(v, &s3.HeadObjectInput{Bucket: &p.bucket, Key: &p.key})
		if err == nil && aws.ToInt64(out.ContentLength) != int64(len(v.bodies[p])) {
			return wrong("a length of %d, want %d", aws.ToInt64(out.ContentLength), len(v.bodies[p]))
		}
		return err
	}
}

func getTags(name string) attempt {
	return func(v *visit) error {
		p := v.at(name)
		_, err := v.client().GetObjectTagging(v, &s3.GetObjectTaggingInput{Bucket: &p.bucket, Key: &p.key})
		return err
	}
}

func getAttributes(name string) attempt {
	return func(v *visit) error {
		p := v.at(name)
		out, err := v.client().GetObjectAttributes(v, &s3.GetObjectAttributesInput{
			Bucket: &p.bucket, Key: &p.key, ObjectAttributes: []types.ObjectAttributes{types.ObjectAttributesObjectSize, types.ObjectAttributesEtag},
		})
		if err == nil && aws.ToInt64(out.ObjectSize) != int64(len(v.bodies[p])) {
			return wrong("a size of %d, want %d", aws.ToInt64(out.ObjectSize), len(v.bodies[p]))
		}
		return err
	}
}
