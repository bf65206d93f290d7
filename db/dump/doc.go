// Package dump writes what tables hold as lines of text, and fills tables from
// them. It knows no engine: what one wrote, another reads.
//
// A dump is lines of JSON. The first is the Header. Each table follows: an object
// with its name, its columns and its key; an array for each row, in the order of the
// key; and an object with the count of its rows and the SHA-256 of their lines. The last
// line has the SHA-256 of all lines before it, and a signature of that.
//
// Numbers, truth values, texts and null stand as they are, bytes as {"bytes": base64},
// and a text that is no UTF-8 as {"text": base64}.
package dump
