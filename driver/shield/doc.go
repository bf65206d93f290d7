// Package shield stands between many borrowers and a store's token service, which takes
// so many requests a second and no more.
//
// Credentials that were minted are kept in memory and served again to the same user for
// the same scope, while they last for what is asked; whoever asks while they are being
// minted waits for that. A credential has a budget of requests. What failed is not tried
// again for some seconds, and a store that does not answer keeps nobody waiting who asks
// another.
//
// It knows nothing of any store: what it stands before is a driver.Vender, and it is one
// itself. Who is served has been decided before. Each lease that is served from here is
// a lease of its own, with its own event; driver.Vended.ID tells which of them share
// credentials.
package shield
