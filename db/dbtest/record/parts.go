package record

import "github.com/keyhatch/keyhatch/db/dbtest/ground"

// Parts are what an engine is held to.
var Parts = []ground.Part{
	{Name: "Events", Test: testEvents},
	{Name: "ObjectRequests", Test: testObjectRequests},
	{Name: "ObjectRequestsInPages", Test: testObjectRequestsInPages},
	{Name: "EventsOf", Test: testEventsOf},
	{Name: "EventsInPages", Test: testEventsInPages},
	{Name: "GenuineEvent", Test: testGenuineEvent},
	{Name: "S8_NoAuditKey", Test: testNoAuditKey},
	{Name: "S1_ChainAfterFailures", Test: testChainAfterFailures},
}
