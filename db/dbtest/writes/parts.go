package writes

import "github.com/keyhatch/keyhatch/db/dbtest/ground"

// Parts are what an engine is held to.
var Parts = []ground.Part{
	{Name: "ChangeFeed", Test: testFeed},
	{Name: "ChangeFeedPruned", Test: testFeedPruned},
	{Name: "ConcurrentWrites", Test: testConcurrentWrites},
	{Name: "WriteIsAllOrNothing", Test: testAllOrNothing},
	{Name: "IDTaken", Test: testIDTaken},
	{Name: "CancelledBefore", Test: testCancelledBefore},
	{Name: "CancelledWhileWaiting", Test: testCancelledWhileWaiting},
	{Name: "WriteAfterClose", Test: testWriteAfterClose},
	{Name: "CloseAmongWrites", Test: testCloseAmongWrites},
	{Name: "Isolation", Test: testIsolation},
	{Name: "Snapshot", Test: testSnapshot},
}
