// Package jobs does what is to be done outside of the database: at stores, mostly. A
// job is asked for in the transaction that makes it necessary (db.Tx.AskJob), so that
// neither is there without the other, and it stays until a handler has done it.
//
// A Runner claims jobs that are due and gives them to the handlers of their kinds.
// Several processes may do that on one database: a claim is for a time and is renewed
// while the handler runs, so that nobody else begins the job meanwhile, and what a
// killed process has begun is begun again when its claim has run out. A handler must
// therefore come to the same end however often and from wherever it is begun, and it
// must end when its context does. One that fails is run again, later each time.
//
// What a handler does is not known here, and no store is spoken to.
package jobs
