// Package earthdata is the door for clients of NASA's Earthdata: /s3credentials, where people
// and programs type one URL and get keys that read for an hour, and the calls of Earthdata Login
// with which those programs come to a token.
//
// Who shows a token as Bearer, or a name and a password by Basic, is answered at once. Who shows
// nothing is sent to log in, comes back with a code at /redirect, gets a cookie for it and is sent
// on to where it wanted to go: a path of this door, and nothing else (S11). What a browser
// sends along, the state, is bound to that browser by a cookie and works once. A cookie holds
// a token that borrows what reads and does nothing else; /logout ends it.
//
// Source: the seed document of /s3credentials; the sources of Cumulus' s3-credentials-endpoint, of
// the Thin Egress App and of the clients earthaccess, obstore and GDAL.
package earthdata
