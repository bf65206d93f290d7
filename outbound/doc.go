// Package outbound makes the connections to addresses that users give us: the
// endpoints of stores, and of issuers. Whatever such a name resolves to, a
// connection is only made to a public address, or to one in a network that the
// configuration names: nobody reaches through us into the machine itself, a
// private network, or a cloud's metadata service (S10). The last is refused in a
// network that was named too, unless its very address was.
//
// The address is checked at the moment it is dialled, so that a name that
// resolves to another address the next time gains nothing. Proxies of the
// environment are not used: they would dial what we refuse. Redirects are not
// followed.
package outbound
