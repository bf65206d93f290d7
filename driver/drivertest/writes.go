package drivertest

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

var writeRows = []row{
	{name: "put inside", lease: writing("a/"), try: put("a/new.txt"), want: allowed, changes: []string{"+a/new.txt"}},
	{name: "put in a new folder inside", lease: writing("a/"), try: put("a/n/e/w.txt"), want: allowed, changes: []string{"+a/n/e/w.txt"}},
	{name: "put over an object inside", lease: writing("a/"), try: put("a/in.txt"), want: allowed, changes: []string{"~a/in.txt"}},
	{name: "put and get inside", lease: writing("a/"), try: all(put("a/new.txt"), get("a/new.txt")), want: allowed, changes: []string{"+a/new.txt"}},
	{name: "put a key that ends with a slash inside", lease: writing("a/"), try: putMarker("a/folder/"), want: allowed, changes: []string{"+a/folder/"}},
	{name: "put with tags inside", lease: writing("a/"), try: putTagged("a/new.txt"), want: allowed, changes: []string{"+a/new.txt"}, needs: Tagging},
	{name: "put at the prefix edge: a sibling folder's", lease: writing("a/"), try: put("ab/new.txt"), want: denied},
	{name: "put at the prefix edge: the prefix without its slash", lease: writing("a/"), try: put("a"), want: denied},
	{name: "put at the prefix edge: a sibling object", lease: writing("a/"), try: put("a.txt"), want: denied},
	{name: "put in another prefix", lease: writing("a/"), try: put("b/new.txt"), want: denied},
	{name: "put over an object of another prefix", lease: writing("a/"), try: put("b/out.txt"), want: denied},
	{name: "put in another prefix if nothing is there", lease: writing("a/"), try: putIfNone("b/out.txt"), want: denied},
	{name: "put above the prefix", lease: writing("a/sub/"), try: put("a/new.txt"), want: denied},
	{name: "put a key that ends with a slash outside", lease: writing("a/"), try: putMarker("b/folder/"), want: denied},
	{name: "put the same key in another bucket", lease: writing("a/"), try: put("other:a/in.txt"), want: denied},
	// To a store that does not refuse such keys they are letters like others.
	{name: "put by way of ..", lease: writing("a/"), try: putLiteral("a/../b/new.txt"), want: either},
	{name: "put with a read lease", lease: reading("a/"), try: put("a/new.txt"), want: denied},
	{name: "put over an object with a read lease", lease: reading("a/"), try: put("a/in.txt"), want: denied},
	{name: "put a key that ends with a slash with a read lease", lease: reading("a/"), try: putMarker("a/folder/"), want: denied},
	{name: "put an object for everybody", lease: writing("a/"), try: putPublic("a/new.txt"), want: refused, needs: NoPublicObjects, without: allowed},
	{name: "put the ACL of an object", lease: writing("a/"), try: putACL("a/in.txt"), want: refused},
	{name: "put the ACL of an object outside", lease: writing("a/"), try: putACL("b/out.txt"), want: refused},

	{name: "delete inside", lease: writing("a/"), try: remove("a/in.txt"), want: allowed, changes: []string{"-a/in.txt"}},
	{name: "delete what does not exist inside", lease: writing("a/"), try: remove("a/none.txt"), want: allowed},
	{name: "delete at the prefix edge", lease: writing("a/"), try: remove("ab/out.txt"), want: denied},
	{name: "delete a sibling object at the prefix edge", lease: writing("a/"), try: remove("a.txt"), want: denied},
	{name: "delete in another prefix", lease: writing("a/"), try: remove("b/out.txt"), want: denied},
	{name: "delete the same key in another bucket", lease: writing("a/"), try: remove("other:a/in.txt"), want: denied},
	{name: "delete the null version outside", lease: writing("a/"), try: removeNullVersion("b/out.txt"), want: denied},
	// To delete what does not exist is no error.
	{name: "delete by way of ..", lease: writing("a/"), try: remove("a/../b/out.txt"), want: either},
	{name: "delete with a read lease", lease: reading("a/"), try: remove("a/in.txt"), want: denied},

	{name: "put tags inside", lease: writing("a/"), try: putTags("a/in.txt"), want: allowed, changes: []string{"~a/in.txt"}, needs: Tagging},
	{name: "put tags outside", lease: writing("a/"), try: putTags("b/out.txt"), want: denied, needs: Tagging},
	{name: "put tags with a read lease", lease: reading("a/"), try: putTags("a/in.txt"), want: denied, needs: Tagging},
	{name: "delete tags inside", lease: writing("a/"), try: removeTags("a/in.txt"), want: allowed, needs: QuietUntagging, without: allowed, changesWithout: []string{"~a/in.txt"}},
	{name: "delete tags outside", lease: writing("a/"), try: removeTags("b/out.txt"), want: denied, needs: Tagging},
	{name: "delete tags with a read lease", lease: reading("a/"), try: removeTags("a/in.txt"), want: denied, needs: Tagging},

	{name: "batch delete inside", lease: writing("a/"), try: batch("a/in.txt", "a/sub/deep.txt"), want: allowed, changes: []string{"-a/in.txt", "-a/sub/deep.txt"}, needs: BatchDelete},
	{name: "batch delete outside", lease: writing("a/"), try: batch("b/out.txt"), want: denied, needs: BatchDelete},
	{name: "batch delete at the prefix edge", lease: writing("a/"), try: batch("ab/out.txt", "a.txt"), want: denied, needs: BatchDelete},
	{name: "batch delete inside and outside", lease: writing("a/"), try: batch("b/out.txt", "a/in.txt", "ab/out.txt"), want: denied, changes: []string{"-a/in.txt"}, needs: BatchDelete},
	{name: "batch delete outside, in silence", lease: writing("a/"), try: quietBatch("a/none.txt", "b/out.txt"), want: denied, needs: BatchDelete},
	{name: "batch delete by way of ..", lease: writing("a/"), try: batch("a/../b/out.txt"), want: either, needs: BatchDelete, without: either},
	{name: "batch delete in another bucket", lease: writing("a/"), try: batch("other:a/in.txt"), want: denied, needs: BatchDelete},
	{name: "batch delete with a read lease", lease: reading("a/"), try: batch("a/in.txt", "a/none.txt"), want: denied, needs: BatchDelete},
}

func put(name string) attempt { return putting(name, "what the lease wrote", nil) }

func putting(name, body string, change func(*s3.PutObjectInput)) attempt {
	return func(v *visit) error {
		p := v.at(name)
		in := &s3.PutObjectInput{Bucket: &p.bucket, Key: &p.key, Body: strings.NewReader(body)}
		if change != nil {
			change(in)
		}
		_, err := v.client().PutObject(v, in)
		if err == nil {
			v.wrote[p] = body
		}
		return err
	}
}

// putMarker makes a folder as S3's console does.
func putMarker(name string) attempt { return putting(name, "", nil) }

func putTagged(name string) attempt {
	return putting(name, "tagged", func(in *s3.PutObjectInput) { in.Tagging = aws.String("colour=red") })
}

func putIfNone(name string) attempt {
	return putting(name, "first", func(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") })
}

// putPublic puts an object for everybody. Done, it must have had no effect.
func putPublic(name string) attempt {
	public := putting(name, "for everybody", func(in *s3.PutObjectInput) { in.ACL = types.ObjectCannedACLPublicRead })
	return func(v *visit) error {
		if err := public(v); err != nil {
			return err
		}
		if err := nobody(name)(v); err == nil {
			return wrong("everybody can read it")
		}
		return remove(name)(v)
	}
}

// putLiteral puts an object and removes it again if its key was taken by the
// letter.
func putLiteral(name string) attempt {
	return func(v *visit) error {
		if err := put(name)(v); err != nil {
			return err
		}
		p := v.at(name)
		if _, err := v.site.Store.DeleteObject(v, &s3.DeleteObjectInput{Bucket: &p.bucket, Key: &p.key}); err != nil {
			return wrong("remove it behind the lease: %v", err)
		}
		return nil
	}
}

func putACL(name string) attempt {
	return func(v *visit) error {
		p := v.at(name)
		_, err := v.client().PutObjectAcl(v, &s3.PutObjectAclInput{Bucket: &p.bucket, Key: &p.key, ACL: types.ObjectCannedACLPublicRead})
		return err
	}
}

func remove(name string) attempt {
	return func(v *visit) error {
		p := v.at(name)
		_, err := v.client().DeleteObject(v, &s3.DeleteObjectInput{Bucket: &p.bucket, Key: &p.key})
		return err
	}
}

func removeNullVersion(name string) attempt {
	return func(v *visit) error {
		p := v.at(name)
		_, err := v.client().DeleteObject(v, &s3.DeleteObjectInput{Bucket: &p.bucket, Key: &p.key, VersionId: aws.String("null")})
		return err
	}
}

func putTags(name string) attempt {
	return func(v *visit) error {
		p := v.at(name)
		_, err := v.client().PutObjectTagging(v, &s3.PutObjectTaggingInput{
			Bucket: &p.bucket, Key: &p.key, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("colour"), Value: aws.String("red")}}},
		})
		return err
	}
}

func removeTags(name string) attempt {
	return func(v *visit) error {
		p := v.at(name)
		_, err := v.client().DeleteObjectTagging(v, &s3.DeleteObjectTaggingInput{Bucket: &p.bucket, Key: &p.key})
		return err
	}
}

func batch(names ...string) attempt      { return removing(false, names) }
func quietBatch(names ...string) attempt { return removing(true, names) }

// removing deletes keys of one bucket. The first that was refused is how it came
// out; whether it was the right one shows in what changed.
func removing(quiet bool, names []string) attempt {
	return func(v *visit) error {
		in := &s3.DeleteObjectsInput{Delete: &types.Delete{Quiet: &quiet}}
		for _, name := range names {
			p := v.at(name)
			in.Bucket = &p.bucket
			in.Delete.Objects = append(in.Delete.Objects, types.ObjectIdentifier{Key: &p.key})
		}
		out, err := v.client().DeleteObjects(v, in)
		if err != nil {
			return err
		}
		if len(out.Errors) > 0 {
			return itemRefused{aws.ToString(out.Errors[0].Code)}
		}
		return nil
	}
}
