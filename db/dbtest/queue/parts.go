package queue

import "github.com/keyhatch/keyhatch/db/dbtest/ground"

// Parts are what an engine is held to.
var Parts = []ground.Part{
	{Name: "Jobs", Test: testJobs},
	{Name: "JobLists", Test: testLists},
	{Name: "JobAskedWithAChange", Test: testAskedWithAChange},
	{Name: "JobAskedAgain", Test: testAskedAgain},
	{Name: "JobClaimLost", Test: testClaimLost},
	{Name: "JobClaimOrder", Test: testClaimOrder},
	{Name: "JobModel", Test: testModel},
}
