// Package broker is what may happen: every use case is one method that takes
// its caller first, decides for itself whether the caller may, does it, and
// records it. It is the only writer of state. No door decides anything, so no
// door can forget to.
//
// The use cases lie in a package a subject, people, bearers, passwords, sessions, logins, oauth, credentials, places, accounts, buckets, lending,
// record and past, over a small kernel that they share.
//
// A use case that changes something or hands out a key runs in Change: one
// transaction in which the caller's standing is looked at again, the change is
// made, and an event of each thing that changes is recorded. A use case that only
// looks filters by what its caller may see.
//
// What a caller may not see answers as if it did not exist (keyhatch.NotFound);
// what it may see but not do answers keyhatch.Forbidden.
//
// These entry points have no Caller, because they are what makes one or because
// nobody is there yet:
//
//   - People.Authenticate turns an API token's secret into a Caller, and
//     People.WorksElsewhere tells of one that was refused whether its network is why.
//   - Bearers.Authenticate turns what an issuer has signed into a Caller, and Bearers.Begin
//     ends what was opened by rules that are no longer the configuration's. Bearers.End and
//     Bearers.ReportLeak are People.RevokeSecret and People.ReportLeak for them.
//   - Passwords.Login tells whose name and password these are, and Passwords.Authenticate
//     makes a Caller of them.
//   - Sessions.Of turns what a browser shows that is signed in into a Caller, and Sessions.End ends
//     that: who holds it may.
//   - Logins.List, Logins.Passwords, Logins.Begin and Logins.Leave lead a browser to a provider and away from it;
//     Logins.Finish signs in, and makes a user of, whom it vouches for, by the configuration's rules. Logins.EndOthers
//     ends what was begun and takes what was given at providers that the configuration does not name.
//   - Passwords.ResetPassword sets the password of whom an admin has made a reset for.
//   - OAuth.Redeem, OAuth.Refresh and OAuth.PollDevice give a client the tokens that a user has
//     consented to, OAuth.StartDevice begins that for a device, and OAuth.EndByRefresh ends it.
//     OAuth.MayReturn and OAuth.Ask tell of a client what its user is shown; OAuth.PublicKeys
//     and OAuth.KeySet are what others check our signatures with.
//   - People.RevokeSecret and People.ReportLeak end the token of a secret that one shows:
//     its holder, or whoever has found it.
//   - Lending.OpenSession turns a session token of our S3 endpoint into its lease, and
//     Lending.Standing tells what of a lease is open now. Lending.Relend lends to who
//     has shown such a lease: its user and token are the caller. AccessKeys.Open,
//     AccessKeys.Standing and AccessKeys.Identify do so for an access key, Lending.LendWithKey
//     lends to who has shown one.
//   - Credentials.KeysOf opens the keys that act on a store, for who forwards what was let
//     through, and Credentials.Mark lets it know its own words again.
//   - Objects.Ready, Objects.Note and Objects.Run keep the record of what was let
//     through at our S3 endpoint.
//   - Install makes the first administrator of a new installation.
//   - Restore ends whatever lets somebody in, in an installation that is put back from a
//     backup, and lets one administrator in.
//   - SetRoot makes the token of the system root what the configuration says.
//   - Jobs does at stores what use cases have asked for, and goes on with what they could not
//     finish.
//   - Keys.Run and Keys.Step do what follows from new data keys; Rewrap (package keys)
//     wraps them with the current key-encryption key, which whoever calls it holds.
//   - VerifyAudit checks the audit record of an installation whose files one
//     holds.
package broker
