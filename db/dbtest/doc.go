// Package dbtest is the contract of package db as a test suite. Every engine
// runs it:
//
//	func TestEngine(t *testing.T) {
//		dbtest.Run(t, func(t *testing.T) *db.DB { return create(t) })
//	}
//
// Here are the nouns; dbtest/writes has how writes go, dbtest/record the record,
// dbtest/queue jobs, and dbtest/ground what all stand on. The suite uses the exported
// methods of db alone and knows no SQL. How an engine is opened, what it does when its
// disk is full and what a killed process leaves behind is tested beside the engine.
package dbtest
