// Package peers starts real object stores for tests: MinIO, Ceph's RADOS gateway
// (RGW) and versitygw, each on free ports of the loopback interface, with all its
// state in a directory of its own.
//
// A test asks for the store that it needs, and for a bucket that no other test
// has:
//
//	func TestMain(m *testing.M) { os.Exit(peers.Main(m)) }
//
//	func TestCopy(t *testing.T) {
//		for _, peer := range peers.All {
//			t.Run(peer.Name, func(t *testing.T) {
//				store := peer.Start(t)
//				bucket := store.Bucket(t)
//				…
//			})
//		}
//	}
//
// A store is started by the first test that asks for it; all tests of a test
// binary share it, side by side too. Main ends the stores when the tests have
// ended, or when the test binary is interrupted; on Linux they are killed with it
// whatever ends it.
//
// Where the stores' programs are is told by the environment: KEYHATCH_MINIO,
// KEYHATCH_RADOSGW (the rest of Ceph is expected beside it) and
// KEYHATCH_VERSITYGW. tools/setup.sh installs the pinned versions and prints
// these settings, "make test" does both. A test that asks for a store whose
// program is not named is skipped; a store that is named and does not start is a
// failure, which shows the end of its logs.
//
// The package knows S3 only from the AWS SDK, and nothing of keyhatch: what it
// starts is the other side.
package peers
