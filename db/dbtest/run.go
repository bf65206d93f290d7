package dbtest

import (
	"testing"

	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/db/dbtest/ground"
	"github.com/keyhatch/keyhatch/db/dbtest/queue"
	"github.com/keyhatch/keyhatch/db/dbtest/record"
	"github.com/keyhatch/keyhatch/db/dbtest/writes"
)

// Run tests an engine. open makes an empty database of the current schema, with
// no audit key, and closes it when its test ends; closing it before must be
// allowed.
func Run(t *testing.T, open func(t *testing.T) *db.DB) {
	ground.Run(t, open, nouns)
	ground.Run(t, open, record.Parts)
	ground.Run(t, open, writes.Parts)
	ground.Run(t, open, queue.Parts)
}

// nouns are the parts about what is kept of each noun, and what ties them.
var nouns = []ground.Part{
	{Name: "Installation", Test: on(testInstallation)},
	{Name: "Users", Test: on(testUsers)},
	{Name: "Workspaces", Test: on(testWorkspaces)},
	{Name: "WorkspaceMembers", Test: on(testWorkspaceMembers)},
	{Name: "Groups", Test: on(testGroups)},
	{Name: "Teamspaces", Test: on(testTeamspaces)},
	{Name: "CircleMembers", Test: on(testCircleMembers)},
	{Name: "Tokens", Test: on(testTokens)},
	{Name: "Passwords", Test: on(testPasswords)},
	{Name: "Sessions", Test: on(testSessions)},
	{Name: "Identities", Test: on(testIdentities)},
	{Name: "OAuthClients", Test: on(testOAuthClients)},
	{Name: "Consents", Test: on(testConsents)},
	{Name: "EarthdataTokens", Test: on(testEarthdataTokens)},
	{Name: "SigningKeys", Test: on(testSigningKeys)},
	{Name: "Credentials", Test: on(testCredentials)},
	{Name: "Stores", Test: on(testStores)},
	{Name: "S3Stores", Test: on(testS3Stores)},
	{Name: "Buckets", Test: on(testBuckets)},
	{Name: "StoreAccounts", Test: on(testStoreAccounts)},
	{Name: "BucketUsage", Test: on(testBucketUsage)},
	{Name: "EndedPairs", Test: on(testEndedPairs)},
	{Name: "Locations", Test: on(testLocations)},
	{Name: "Terms", Test: on(testTerms)},
	{Name: "Grants", Test: on(testGrants)},
	{Name: "Leases", Test: on(testLeases)},
	{Name: "URLsOfStore", Test: on(testURLsOfStore)},
	{Name: "LeasesBorrowedWith", Test: on(testLeasesBorrowedWith)},
	{Name: "StrangeText", Test: on(testStrangeText)},
	{Name: "InUse", Test: on(testInUse)},
	{Name: "DeletedWith", Test: on(testDeletedWith)},
	{Name: "SeenBy", Test: on(testSeenBy)},
	{Name: "Reach", Test: on(testReach)},
	{Name: "OverlappingLocation", Test: on(testOverlap)},
	{Name: "Pruning", Test: on(testPruning)},
}

// suite is the ground with all nouns.
type suite struct{ *ground.Suite }

func on(test func(*testing.T, *suite)) func(*testing.T, *ground.Suite) {
	return func(t *testing.T, s *ground.Suite) { test(t, &suite{s}) }
}
