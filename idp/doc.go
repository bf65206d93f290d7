// Package idp is the door at which people log in, programs come to tokens of theirs, and tokens
// are asked about and given up. It offers
//
//   - POST /oauth/introspect (RFC 7662): what a token may, for who has it shown to him;
//   - POST /oauth/revoke (RFC 7009): the holder of a token ends it;
//   - GET and POST /logout: ends whatever is presented.
//
// and where it knows under which address browsers come (NewServer)
//
//   - the pages /login, /profile and /device, plain HTML without a script;
//   - an authorization server under /oauth, with its metadata under /.well-known: codes with
//     PKCE, devices, refresh tokens, OpenID Connect;
//   - the same as Keycloak has it, under /auth/realms/{realm}.
//
// What may happen is decided in broker/oauth and broker/sessions. A browser is led to pages of
// this door, and to addresses of clients to the letter, and nowhere else (S11); each form is
// bound to the browser and to who is signed in with it.
//
// A token is read in every spelling of keyhatch.ParseTokenSecret. Parameters come as a
// form, each once at most. A token in a URL is taken by /logout only, for clients of
// Arvados: URLs end up in logs, and there it is dead.
package idp
