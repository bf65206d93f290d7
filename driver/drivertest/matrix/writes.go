package matrix

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/keyhatch/keyhatch/driver/drivertest"
)

var writeRows = []drivertest.Row{
	{Name: "put inside", Lease: drivertest.Writing("a/"), Try: put("a/new.txt"), Want: drivertest.Allowed, Changes: []string{"+a/new.txt"}},
	{Name: "put in a new folder inside", Lease: drivertest.Writing("a/"), Try: put("a/n/e/w.txt"), Want: drivertest.Allowed, Changes: []string{"+a/n/e/w.txt"}},
	{Name: "put over an object inside", Lease: drivertest.Writing("a/"), Try: put("a/in.txt"), Want: drivertest.Allowed, Changes: []string{"~a/in.txt"}},
	{Name: "put and get inside", Lease: drivertest.Writing("a/"), Try: all(put("a/new.txt"), get("a/new.txt")), Want: drivertest.Allowed, Changes: []string{"+a/new.txt"}},
	{Name: "put a key that ends with a slash inside", Lease: drivertest.Writing("a/"), Try: putMarker("a/folder/"), Want: drivertest.Allowed, Changes: []string{"+a/folder/"}},
	{Name: "put with tags inside", Lease: drivertest.Writing("a/"), Try: putTagged("a/new.txt"), Want: drivertest.Allowed, Changes: []string{"+a/new.txt"}, Needs: drivertest.Tagging},
	{Name: "put at the prefix edge: a sibling folder's", Lease: drivertest.Writing("a/"), Try: put("ab/new.txt"), Want: drivertest.Denied},
	{Name: "put at the prefix edge: the prefix without its slash", Lease: drivertest.Writing("a/"), Try: put("a"), Want: drivertest.Denied},
	{Name: "put at the prefix edge: a sibling object", Lease: drivertest.Writing("a/"), Try: put("a.txt"), Want: drivertest.Denied},
	{Name: "put in another prefix", Lease: drivertest.Writing("a/"), Try: put("b/new.txt"), Want: drivertest.Denied},
	{Name: "put over an object of another prefix", Lease: drivertest.Writing("a/"), Try: put("b/out.txt"), Want: drivertest.Denied},
	{Name: "put in another prefix if nothing is there", Lease: drivertest.Writing("a/"), Try: putIfNone("b/out.txt"), Want: drivertest.Denied},
	{Name: "put above the prefix", Lease: drivertest.Writing("a/sub/"), Try: put("a/new.txt"), Want: drivertest.Denied},
	{Name: "put a key that ends with a slash outside", Lease: drivertest.Writing("a/"), Try: putMarker("b/folder/"), Want: drivertest.Denied},
	{Name: "put the same key in another bucket", Lease: drivertest.Writing("a/"), Try: put("other:a/in.txt"), Want: drivertest.Denied},
	// To a store that does not refuse such keys they are letters like others.
	{Name: "put by way of ..", Lease: drivertest.Writing("a/"), Try: putLiteral("a/../b/new.txt"), Want: drivertest.Either},
	{Name: "put with a read lease", Lease: drivertest.Reading("a/"), Try: put("a/new.txt"), Want: drivertest.Denied},
	{Name: "put over an object with a read lease", Lease: drivertest.Reading("a/"), Try: put("a/in.txt"), Want: drivertest.Denied},
	{Name: "put a key that ends with a slash with a read lease", Lease: drivertest.Reading("a/"), Try: putMarker("a/folder/"), Want: drivertest.Denied},
	{Name: "put an object for everybody", Lease: drivertest.Writing("a/"), Try: putPublic("a/new.txt"), Want: drivertest.Refused, Needs: drivertest.NoPublicObjects, Without: drivertest.Allowed},
	{Name: "put the ACL of an object", Lease: drivertest.Writing("a/"), Try: putACL("a/in.txt"), Want: drivertest.Refused},
	{Name: "put the ACL of an object outside", Lease: drivertest.Writing("a/"), Try: putACL("b/out.txt"), Want: drivertest.Refused},

	{Name: "delete inside", Lease: drivertest.Writing("a/"), Try: remove("a/in.txt"), Want: drivertest.Allowed, Changes: []string{"-a/in.txt"}},
	{Name: "delete what does not exist inside", Lease: drivertest.Writing("a/"), Try: remove("a/none.txt"), Want: drivertest.Allowed},
	{Name: "delete at the prefix edge", Lease: drivertest.Writing("a/"), Try: remove("ab/out.txt"), Want: drivertest.Denied},
	{Name: "delete a sibling object at the prefix edge", Lease: drivertest.Writing("a/"), Try: remove("a.txt"), Want: drivertest.Denied},
	{Name: "delete in another prefix", Lease: drivertest.Writing("a/"), Try: remove("b/out.txt"), Want: drivertest.Denied},
	{Name: "delete the same key in another bucket", Lease: drivertest.Writing("a/"), Try: remove("other:a/in.txt"), Want: drivertest.Denied},
	{Name: "delete the null version outside", Lease: drivertest.Writing("a/"), Try: removeNullVersion("b/out.txt"), Want: drivertest.Denied},
	// To delete what does not exist is no error.
	{Name: "delete by way of ..", Lease: drivertest.Writing("a/"), Try: remove("a/../b/out.txt"), Want: drivertest.Either},
	{Name: "delete with a read lease", Lease: drivertest.Reading("a/"), Try: remove("a/in.txt"), Want: drivertest.Denied},

	{Name: "put tags inside", Lease: drivertest.Writing("a/"), Try: putTags("a/in.txt"), Want: drivertest.Allowed, Changes: []string{"~a/in.txt"}, Needs: drivertest.Tagging},
	{Name: "put tags outside", Lease: drivertest.Writing("a/"), Try: putTags("b/out.txt"), Want: drivertest.Denied, Needs: drivertest.Tagging},
	{Name: "put tags with a read lease", Lease: drivertest.Reading("a/"), Try: putTags("a/in.txt"), Want: drivertest.Denied, Needs: drivertest.Tagging},
	{Name: "delete tags inside", Lease: drivertest.Writing("a/"), Try: removeTags("a/in.txt"), Want: drivertest.Allowed, Needs: drivertest.QuietUntagging, Without: drivertest.Allowed, ChangesWithout: []string{"~a/in.txt"}},
	{Name: "delete tags outside", Lease: drivertest.Writing("a/"), Try: removeTags("b/out.txt"), Want: drivertest.Denied, Needs: drivertest.Tagging},
	{Name: "delete tags with a read lease", Lease: drivertest.Reading("a/"), Try: removeTags("a/in.txt"), Want: drivertest.Denied, Needs: drivertest.Tagging},

	{Name: "batch delete inside", Lease: drivertest.Writing("a/"), Try: batch("a/in.txt", "a/sub/deep.txt"), Want: drivertest.Allowed, Changes: []string{"-a/in.txt", "-a/sub/deep.txt"}, Needs: drivertest.BatchDelete},
	{Name: "batch delete outside", Lease: drivertest.Writing("a/"), Try: batch("b/out.txt"), Want: drivertest.Denied, Needs: drivertest.BatchDelete},
	{Name: "batch delete at the prefix edge", Lease: drivertest.Writing("a/"), Try: batch("ab/out.txt", "a.txt"), Want: drivertest.Denied, Needs: drivertest.BatchDelete},
	{Name: "batch delete inside and outside", Lease: drivertest.Writing("a/"), Try: batch("b/out.txt", "a/in.txt", "ab/out.txt"), Want: drivertest.Denied, Changes: []string{"-a/in.txt"}, Needs: drivertest.BatchDelete},
	{Name: "batch delete outside, in silence", Lease: drivertest.Writing("a/"), Try: quietBatch("a/none.txt", "b/out.txt"), Want: drivertest.Denied, Needs: drivertest.BatchDelete},
	{Name: "batch delete by way of ..", Lease: drivertest.Writing("a/"), Try: batch("a/../b/out.txt"), Want: drivertest.Either, Needs: drivertest.BatchDelete, Without: drivertest.Either},
	// What the keys lead to is looked at afterwards, as in every row: d has the prefix's name.
	{Name: "batch delete by way of . of what has the prefix's name", Lease: drivertest.Writing("d/"), Seeds: []string{"d"}, Try: batch("d/."), Want: drivertest.Either, Needs: drivertest.BatchDelete, Without: drivertest.Either},
	{Name: "batch delete by way of .. of what has the name of the prefix above", Lease: drivertest.Writing("d/e/"), Seeds: []string{"d"}, Try: batch("d/e/.."), Want: drivertest.Either, Needs: drivertest.BatchDelete, Without: drivertest.Either},
	{Name: "batch delete by way of .. at the end of what has the prefix's name", Lease: drivertest.Writing("d/"), Seeds: []string{"d"}, Try: batch("d/e/.."), Want: drivertest.Either, Needs: drivertest.BatchDelete, Without: drivertest.Either},
	{Name: "batch delete by way of . and of nothing inside", Lease: drivertest.Writing("a/"), Try: batch("a/./in.txt", "a//in.txt", "a/sub/./deep.txt"), Want: drivertest.Either, Needs: drivertest.BatchDelete, Without: drivertest.Either},
	{Name: "batch delete in another bucket", Lease: drivertest.Writing("a/"), Try: batch("other:a/in.txt"), Want: drivertest.Denied, Needs: drivertest.BatchDelete},
	{Name: "batch delete with a read lease", Lease: drivertest.Reading("a/"), Try: batch("a/in.txt", "a/none.txt"), Want: drivertest.Denied, Needs: drivertest.BatchDelete},
}

func put(name string) drivertest.Attempt { return putting(name, "what the lease wrote", nil) }

func putting(name, body string, change func(*s3.PutObjectInput)) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		p := v.At(name)
		in := &s3.PutObjectInput{Bucket: &p.Bucket, Key: &p.Key, Body: strings.NewReader(body)}
		if change != nil {
			change(in)
		}
		_, err := v.Client().PutObject(v, in)
		if err == nil {
			v.Wrote[p] = body
		}
		return err
	}
}

// putMarker makes a folder as S3's console does.
func putMarker(name string) drivertest.Attempt { return putting(name, "", nil) }

func putTagged(name string) drivertest.Attempt {
	return putting(name, "tagged", func(in *s3.PutObjectInput) { in.Tagging = aws.String("colour=red") })
}

func putIfNone(name string) drivertest.Attempt {
	return putting(name, "first", func(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") })
}

// putPublic puts an object for everybody. Done, it must have had no effect.
func putPublic(name string) drivertest.Attempt {
	public := putting(name, "for everybody", func(in *s3.PutObjectInput) { in.ACL = types.ObjectCannedACLPublicRead })
	return func(v *drivertest.Visit) error {
		if err := public(v); err != nil {
			return err
		}
		if err := nobody(name)(v); err == nil {
			return drivertest.Wrong("everybody can read it")
		}
		return remove(name)(v)
	}
}

// putLiteral puts an object and removes it again if its key was taken by the
// letter.
func putLiteral(name string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		if err := put(name)(v); err != nil {
			return err
		}
		p := v.At(name)
		if _, err := v.Site.Store.DeleteObject(v, &s3.DeleteObjectInput{Bucket: &p.Bucket, Key: &p.Key}); err != nil {
			return drivertest.Wrong("remove it behind the lease: %v", err)
		}
		return nil
	}
}

func putACL(name string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		p := v.At(name)
		_, err := v.Client().PutObjectAcl(v, &s3.PutObjectAclInput{Bucket: &p.Bucket, Key: &p.Key, ACL: types.ObjectCannedACLPublicRead})
		return err
	}
}

func remove(name string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		p := v.At(name)
		_, err := v.Client().DeleteObject(v, &s3.DeleteObjectInput{Bucket: &p.Bucket, Key: &p.Key})
		return err
	}
}

func removeNullVersion(name string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		p := v.At(name)
		_, err := v.Client().DeleteObject(v, &s3.DeleteObjectInput{Bucket: &p.Bucket, Key: &p.Key, VersionId: aws.String("null")})
		return err
	}
}

func putTags(name string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		p := v.At(name)
		_, err := v.Client().PutObjectTagging(v, &s3.PutObjectTaggingInput{
			Bucket: &p.Bucket, Key: &p.Key, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("colour"), Value: aws.String("red")}}},
		})
		return err
	}
}

func removeTags(name string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		p := v.At(name)
		_, err := v.Client().DeleteObjectTagging(v, &s3.DeleteObjectTaggingInput{Bucket: &p.Bucket, Key: &p.Key})
		return err
	}
}

func batch(names ...string) drivertest.Attempt      { return removing(false, names) }
func quietBatch(names ...string) drivertest.Attempt { return removing(true, names) }

// removing deletes keys of one bucket. The first that was refused is how it came
// out; whether it was the right one shows in what changed.
func removing(quiet bool, names []string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		in := &s3.DeleteObjectsInput{Delete: &types.Delete{Quiet: &quiet}}
		for _, name := range names {
			p := v.At(name)
			in.Bucket = &p.Bucket
			in.Delete.Objects = append(in.Delete.Objects, types.ObjectIdentifier{Key: &p.Key})
		}
		out, err := v.Client().DeleteObjects(v, in)
		if err != nil {
			return err
		}
		if len(out.Errors) > 0 {
			return drivertest.ItemRefused{Code: aws.ToString(out.Errors[0].Code)}
		}
		return nil
	}
}
