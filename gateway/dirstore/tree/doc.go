// Package tree keeps objects in a plain directory tree: a key is the path of a
// file. It knows buckets, keys, headers as plain text, and uploads in parts, and
// nothing of the protocol that asks for them.
//
// Nothing that a caller names can reach outside the tree or across buckets.
//
// # Layout
//
//	<root>/<bucket>/<key as a path>           the objects, as a person would put them
//	<root>/.keyhatch/lock                     held by the one process that serves the tree
//	<root>/.keyhatch/tmp/                     bodies on their way in; emptied at Open
//	<root>/.keyhatch/meta/<bucket>/ab/cd…     sidecars, named by the SHA-256 of the key
//	<root>/.keyhatch/uploads/<bucket>/<id>/   multipart uploads and their parts
//
// Files that are already there are served. A bucket exists when the caller says
// so: one without a folder is empty, and its folder is made by the first write.
// No key names are reserved, because no bucket's name begins with a dot.
//
// # Metadata
//
// A sidecar holds what a file cannot: the ETag, the header that came with the
// object, tags, a checksum, the sizes of its parts and the upload that it was. Each of its records is bound
// to one file by size, modification time and inode, so a file that was changed
// behind our back is noticed and described afresh. A copy of the tree to another
// disk keeps its metadata if the tool keeps times to the nanosecond (rsync -a,
// cp -a). Losing a sidecar loses only that metadata.
//
// The ETag of a file without a record is a strong validator of size,
// modification time and inode, written like that of a multipart upload of one
// part ("…-1"), which no client takes for an MD5. It is the same however the
// file is looked at; nothing is ever read to compute it.
//
// # Writes
//
// A body goes to a temporary file; when it fails to arrive whole, that file is
// removed and nothing else has happened. Then, under the key's lock: the caller's
// Check, a sidecar with the records of both the old file and the new one (fsync,
// rename, fsync), rename of the body, which is on the disk by then, and fsync of
// every folder that changed. A reader picks the record of the file it has open,
// so at every instant, a crash included, it sees the old object whole or the new
// one whole.
//
// # Names
//
// A key that ends in a slash is a folder marker: a folder with a sidecar of that
// name, zero bytes. Folders that become empty are removed, except markers and the bucket's.
// "a" and "a/b" cannot both be objects: the later one is refused. So are a
// segment over 255 bytes and whatever keyhatch.CheckKey refuses; files whose
// names break those rules are not listed. Symbolic links are never followed,
// inside the tree or out of it, and like fifos, devices and sockets they are not
// objects: not listed, not opened, not replaced.
//
// # Lists
//
// Keys come in the byte order of whole keys. Results are keys and common
// prefixes; those up to and including the marker are left out. A list reads the
// folders it reports on, one after the other, and no others; with the delimiter
// "/" that is a single folder, and every folder in it shows as a common prefix,
// even an empty one that a person or a crash left. Large folders are kept
// sorted in memory while they do not change, so that paging through one reads
// it once.
//
// # Limits
//
// Elsewhere than on Linux, who may write in a folder of a bucket can lead an
// object that is just being written there into another bucket, by a link in the
// folder's place. One process at a time, held by a lock. Everything below the root is on one
// file system, which tells upper from lower case. Completing an upload copies
// its parts (in the kernel where it can), so for a moment they take their room
// twice. The first list of uploads in a process reads all that are open in the bucket
// (10,000 took 1.3 s), and keeps their keys in memory. A file changed in place with its size and times kept is not noticed.
// Bodies are never held in memory.
package tree
