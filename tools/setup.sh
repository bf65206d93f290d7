#!/usr/bin/env bash
#
# Installs what the tests need beyond Go on a bare Debian machine, and prints
# the environment in which the tests find it:
#
#   eval "$(tools/setup.sh)" && go test ./...
#
# "make test" does that. Run it as often as you like: it does only what is
# missing, and says on standard error what it does. Standard output is for the
# shell: export lines, nothing else.
#
#   gcc, libc6-dev   the race detector needs cgo
#   rclone           a client of the conformance tests
#   curl             the session in the README calls the API with it
#   python3, venv    for the Python clients, pinned in conformance/requirements.txt
#
# Debian packages are installed as root, or through sudo. The Python clients go
# into a virtual environment outside the tree, under $KEYHATCH_CACHE (by default
# keyhatch in the user's cache directory), named after what it holds: work trees
# with other pins keep their own.
set -euo pipefail

# Debian 12 and 13 have this version. A security revision of Debian keeps the
# upstream version, so that one is what is pinned.
readonly rclone_version=1.60.1

say() { printf 'setup: %s\n' "$*" >&2; }
die() {
	say "$*"
	exit 1
}

tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly tree
readonly requirements=$tree/conformance/requirements.txt
readonly cache=${KEYHATCH_CACHE:-${XDG_CACHE_HOME:-${HOME:?is not set: set it, or KEYHATCH_CACHE}/.cache}/keyhatch}

# install PACKAGE... installs Debian packages. The package lists are fetched
# only when the ones at hand, if any, are not good enough.
install() {
	command -v apt-get >/dev/null ||
		die "this is no Debian machine: install by hand what the Debian packages $* hold, then run this again"
	local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300)
	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null || die "installing $* takes root or sudo"
		apt=(sudo "${apt[@]}")
	fi
	say "installing $*"
	local log
	log=$(mktemp)
	if ! "${apt[@]}" install --no-install-recommends "$@" </dev/null >"$log" 2>&1; then
		say "fetching Debian's package lists first"
		if ! { "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "$@"; } </dev/null >>"$log" 2>&1; then
			cat "$log" >&2
			rm -f "$log"
			die "could not install $*"
		fi
	fi
	rm -f "$log"
}

# has_compiler builds a program: a compiler without the C library's headers is
# no use to cgo.
has_compiler() {
	printf '#include <stdlib.h>\nint main(void) { return EXIT_SUCCESS; }\n' |
		${CC:-gcc} -x c -o /dev/null - 2>/dev/null
}

# find_rclone prints the path of an rclone of the wanted version. Debian's own
# is looked at too, should another one hide it.
find_rclone() {
	local candidate version
	for candidate in "$(command -v rclone || true)" /usr/bin/rclone; do
		if [ -x "$candidate" ]; then
			version=$("$candidate" version 2>/dev/null) || continue
			case $version in
			"rclone v$rclone_version" | "rclone v$rclone_version"[!0-9]*)
				printf '%s\n' "$candidate"
				return
				;;
			esac
		fi
	done
	return 1
}

# find_python prints the path of a Python that can make virtual environments
# and is new enough for the pinned clients.
find_python() {
	local candidate
	for candidate in "$(command -v python3 || true)" /usr/bin/python3; do
		if [ -x "$candidate" ] && "$candidate" - 2>/dev/null <<-'PYTHON'; then
			import ensurepip, sys, venv
			sys.exit(sys.version_info < (3, 10))
		PYTHON
			printf '%s\n' "$candidate"
			return
		fi
	done
	return 1
}

# works VENV tells whether a virtual environment was finished and still runs:
# the Python that it was made from may have gone since.
works() {
	[ -e "$1/finished" ] && "$1/bin/python" -c 'import awscli, boto3' 2>/dev/null
}

case $cache in
*[[:space:]]*) die "the cache directory, $cache, has a space in its name, which the clients' scripts cannot have: set KEYHATCH_CACHE to another" ;;
esac

# One setup at a time: two test runs may begin together. The lock ends with the
# last process that holds it, so a pip that outlives its killed setup still
# keeps the next one waiting.
mkdir -p "$cache"
exec 9>"$cache/setup.lock"
if ! flock -n 9; then
	say "waiting for another setup to end"
	flock 9
fi

has_compiler || install gcc libc6-dev
has_compiler || die "${CC:-gcc} cannot build a program: the race detector needs a C compiler"

command -v curl >/dev/null || install curl
command -v curl >/dev/null || die "no curl was found after installing it"

if ! rclone=$(find_rclone); then
	install "rclone=$rclone_version*"
	rclone=$(find_rclone) || die "no rclone $rclone_version was found after installing it"
fi

if ! python=$(find_python); then
	install python3 python3-venv
	python=$(find_python) || die "no Python 3.10 or later with venv was found after installing it"
fi

name=$({ cat "$requirements" && "$python" -V; } | sha256sum | cut -c1-12)
venv=$cache/venv-$name
if ! works "$venv"; then
	# A virtual environment cannot be moved, so it is built where it stays; the
	# file "finished" is made last and says that it is whole.
	say "installing the Python clients into $venv"
	rm -rf "$venv"
	"$python" -m venv "$venv"
	# Wheels only: building a package would run code, and need tools, that the
	# hashes do not cover.
	"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
		--require-hashes --only-binary :all: --requirement "$requirements" >&2
	"$venv/bin/aws" --version >/dev/null || die "the Python clients in $venv do not run"
	sync -f "$venv"
	touch "$venv/finished"
fi

printf 'export %s=%q\n' \
	KEYHATCH_AWSCLI "$venv/bin/aws" \
	KEYHATCH_PYTHON "$venv/bin/python" \
	KEYHATCH_RCLONE "$rclone"
