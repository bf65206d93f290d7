// Command keyhatch hands out keys to object storage, and nothing more than the
// right key. `keyhatch --help` lists what it does.
package main
