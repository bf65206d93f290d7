// Package iam keeps access keys at stores that have an IAM service as AWS has it: a
// user per key, with one inline policy that says what the key opens, and the user's
// access keys as its pairs.
//
// The user of a key is named keyhatch-CLUSTER-KEY and lies in the path
// /keyhatch/CLUSTER/. By that, and by nothing else, this installation's users are
// told from others.
//
// Each method is a few requests, none of which is sent twice: what failed is done
// again as a whole, by the job that wanted it. How long it may take is the context's
// to say.
package iam
