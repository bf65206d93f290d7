// Package rgw keeps access keys at Ceph's RADOS gateway: a user per key, made through
// the Admin Ops API, with the policy that driver/iam makes, put by the part of IAM
// that the gateway has, and the user's keys as its pairs.
//
// The user of a key is named keyhatch-CLUSTER-KEY and may make no buckets: the
// gateway holds a user to its policy only then. Administrators of the store can read
// its secret there.
//
// Before anything is changed the user is asked for, and the answer must be one of the
// Admin Ops API: elsewhere "/admin/user" is somebody's object.
package rgw
