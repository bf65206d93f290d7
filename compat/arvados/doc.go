// Package arvados is the door that speaks the wire of Arvados' API for API tokens,
// there called api_client_authorizations, so that Arvados' own clients work with it
// unchanged:
//
//   - all methods of the resource: create, create_system_auth, current, delete, get,
//     list, update;
//   - what clients ask beside it: the discovery document, config, and users (current,
//     get and list).
//
// It decides nothing but what the format has and the core does not: that an
// administrator sees nobody's tokens but the own, and that the system root token sees
// everybody's.
//
// It deviates from Arvados on purpose in these points; docs/arvados.md has the same
// list, and a test compares them.
//
//   - The secret is returned by create and create_system_auth, and by current, whose
//     caller has shown it. Everywhere else api_token is null: we keep a hash only.
//   - A secret or uuid that the client chooses is refused with 422.
//   - A token makes and changes none that may more than itself, or longer: scopes left
//     away are those of the token that is used, broader ones are refused with 403.
//   - A scope that could never match, such as "test", is refused with 422, where Arvados
//     keeps any word: a typing error is told when the token is made, and not when a job
//     fails. Those of the native API are accepted. The form of the older documentation,
//     ["GET", "/path"], is read as "GET /path". An update is allowed by a scope with PUT
//     and by one with PATCH, whichever of them is asked with.
//   - last_used_at and last_used_by_ip_address are real; created_by_ip_address too. What
//     a client gives for them is ignored.
//   - api_client_id and user_id, which were numbers of rows before Arvados 3.0, are null.
//   - Filters are honoured, all operators on all attributes, where Arvados drops most of
//     them without a word; what cannot be honoured is refused with 422. Lists carry the
//     full envelope.
//   - PATCH and create_system_auth, which Arvados documents, work. The tokens of
//     create_system_auth are the system user's where a system root token is configured,
//     else those of the administrator who asks.
//   - Parameters are read strictly: a name given twice with different values, a JSON
//     object with a name twice, a body of another type than JSON or a form, attributes
//     beside api_client_authorization, in two places, or in the brackets of Rails
//     (scopes[]) are refused, where Arvados takes one of them or none: what is missed of
//     a token makes it one for everything.
//   - The cookie arvados_api_token does not count on a change that a page of another
//     site made a browser ask for.
//   - reader_tokens count when no other token works, and add nothing to one that does:
//     there is nothing here that one user reads through another.
//   - A token cannot be made that has expired.
//   - Who may make tokens is no setting of the installation (IssueTrustedTokens): the
//     token's scopes say it, at every door. A setting for this one alone would promise
//     what the native API does not keep.
//   - There is no federation: no salted tokens, no remote clusters (which cluster a
//     token's uuid names is not looked at), no cached tokens of OpenID Connect. There are
//     no containers, so a token with a container part is refused. There is no anonymous
//     token.
//   - Nothing else of Arvados' API is here; passwords are not taken
//     (users/authenticate).
//   - The system root token has the shape of our own tokens.
//   - No failure that is for good answers 409 or 423, which clients try again.
//   - Paths outside /arvados/ and /discovery/ are not this door's, since other formats have
//     theirs there: an unknown one answers 404 in another format, without errors. One with
//     empty or dot segments is redirected.
//
// Source: Arvados' API documentation and its published discovery document (revision
// 20250402), and what its clients send.
package arvados
