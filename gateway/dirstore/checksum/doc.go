// Package checksum is S3's checksums of objects: which there are, how headers and
// documents tell them, and what that of an upload in parts is of.
//
// An object's checksum is kept in its header, by the name that S3 has for it. One
// of a whole upload is of all bytes (FULL_OBJECT) or of the checksums of its parts
// (COMPOSITE); the latter ends in a dash and the number of parts, by which it is
// known.
//
// Source: Amazon S3 User Guide, "Checking object integrity".
package checksum
