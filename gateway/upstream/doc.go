// Package upstream serves a bucket from another S3 store. A request that the
// gateway has classified, verified and let through is signed anew with the keys
// that act for us there, and both bodies are streamed; of what else was sent
// nothing reaches the store, and of what the store says of itself nothing
// reaches the sender.
//
// # Bodies
//
// A body that is no longer than 64 KiB, or that is a document, is read whole
// before anything is sent. A longer one is sent while it arrives, and begins when
// the store has said that it wants it, or nothing for a second; the gateway hands
// out its last byte only when its hash, signature and checksum are right and the
// lease still stands. A body that breaks off breaks the connection to the store
// before its announced length, so that the store publishes nothing. A store that
// accepts a body before it has got it is not believed.
//
// # Answers
//
// An object is handed on while it arrives; one that breaks off breaks the
// connection to its reader, and one whose end only the end of the connection
// would tell is refused. A document is read whole, at most 16 MiB, and what is held
// of all documents together is bounded: an error that a store tells behind a good
// status becomes an error, and the names of accounts and hosts in it become ours. A
// list that names what was not asked for is refused. Of a refusal a code of S3's is
// handed on, with a message of ours; what the store has said is in the log. Redirects
// are not followed.
//
// # Conditions
//
// Stores pass over conditions that they do not know. A write with one is sent when the
// store was seen to hold it, on objects of our own in the same folder, within the
// last hour; where it does not hold it the write is refused.
//
// # Retries
//
// A request is sent up to three times when no answer came and the store cannot
// have acted on it, or would act the same once more: when no connection came
// about; or it broke, and nothing of a long body has been sent, or the request
// reads, or puts a part of an upload. Nothing else is: a second put or delete would
// make a second version, or undo what somebody else has done in between. At a
// connection that the store closes in the same moment they fail, and their sender
// is told to try again. An answer is never asked for twice: a store that says
// SlowDown says so to the client, who knows best how long to wait.
//
// # Time
//
// A connection comes about in 5 s. A transfer may take as long as it takes, but
// not stand still for a minute; an answer may be thought over for 10 minutes, as
// long uploads in parts are when they are put together. What took too long is not
// tried again.
package upstream
