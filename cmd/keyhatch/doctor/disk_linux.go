package doctor

import "syscall"

// space is what is left on the disk of a path for who is not root, and what there is, in bytes.
func space(path string) (free, total uint64, known bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return 0, 0, false
	}
	return s.Bavail * uint64(s.Bsize), s.Blocks * uint64(s.Bsize), true
}

// overNetwork are file systems on which SQLite's locks do not hold.
//
// Source: Linux, include/uapi/linux/magic.h.
var overNetwork = map[uint32]string{0x6969: "NFS", 0x517b: "SMB", 0xff534d42: "CIFS", 0xfe534d42: "SMB", 0x5346414f: "AFS", 0x01021997: "9P"}

// networked is the name of the file system of a path where it is one over a network.
func networked(path string) string {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return ""
	}
	return overNetwork[uint32(s.Type)]
}

func writable(folder string) bool {
	const read, write, enter = 4, 2, 1
	return syscall.Access(folder, read|write|enter) == nil
}
