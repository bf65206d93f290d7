// Package idp is the door at which tokens are asked about and given up. It offers
//
//   - POST /oauth/introspect (RFC 7662): what a token may, for who has it shown to him;
//   - POST /oauth/revoke (RFC 7009): the holder of a token ends it;
//   - GET and POST /logout: ends whatever is presented.
//
// Login pages and an OAuth 2 authorization server come here; the door owns /login,
// /logout, /oauth and /profile, which foreign formats expect at the top.
//
// A token is read in every spelling of keyhatch.ParseTokenSecret. Parameters come as a
// form, each once at most. A token in a URL is taken by /logout only, for clients of
// Arvados: URLs end up in logs, and there it is dead.
package idp
