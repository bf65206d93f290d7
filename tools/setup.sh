#!/usr/bin/env bash
#
# Installs what the tests need beyond Go on a bare Debian 12 machine, and prints
# the environment in which the tests find it:
#
#   eval "$(tools/setup.sh)" && go test ./...
#
# "make test" does that. Run it as often as you like: it does only what is
# missing, and says on standard error what it does. Standard output is for the
# shell: export lines, nothing else.
#
#   gcc, libc6-dev    the race detector needs cgo
#   chromium          a browser, for the pages for people, with a font
#   rclone            a client of the conformance tests
#   curl              the session in the README calls the API with it
#   python3, venv     for the Python clients, pinned in conformance/requirements*.txt
#   moto              answers as AWS KMS does, pinned in conformance/requirements-moto.txt
#   fish, zsh         shells that evaluate leases and complete commands
#   Java              runs Spark, with Hadoop's archives for S3 from Maven Central
#   Ceph              its S3 gateway is a real store, see internal/peers
#   PostgreSQL        the database of many replicas: its programs, and no cluster
#   MinIO, versitygw  more real stores, built here by Go
#   systemd           its checks of units (systemd-analyze); nothing is started
#   gitleaks          finds tokens by the rule in deploy, built here by Go
#   OpenTofu          keeps its state in a location, built here by Go
#
# Debian packages are installed as root, or through sudo. The rest goes to a
# place outside the tree, $KEYHATCH_CACHE (by default keyhatch in the user's cache
# directory): a virtual environment for each requirements file, named after what
# it holds, and a directory for each program, named after its version. Work trees
# with other pins keep their own.
#
# From nothing this takes about eleven minutes on two processors, most of it for
# building the programs, and 2 GB; later runs take seconds.
set -euo pipefail

# Debian 12 and 13 have this version. A security revision of Debian keeps the
# upstream version, so that one is what is pinned.
readonly rclone_version=1.60.1

# The same goes for Ceph, which is of this version in Debian 12 only.
readonly ceph_version=16.2.15

# The one of Debian 12. Keyhatch takes 14 and later.
readonly postgresql_version=15

# MinIO's releases are no versions of its module, so that a commit is named. It is
# under the AGPL: a program that the tests talk to, and nothing that may come into
# a module graph of ours.
readonly minio_package=github.com/minio/minio minio_version=v0.0.0-20260212201848-7aac2a2c5b7c
readonly versitygw_package=github.com/versity/versitygw/cmd/versitygw versitygw_version=v1.8.0
readonly gitleaks_package=github.com/zricethezav/gitleaks/v8 gitleaks_version=v8.30.1
readonly tofu_module=github.com/opentofu/opentofu tofu_version=v1.12.6

say() { printf 'setup: %s\n' "$*" >&2; }
die() {
	say "$*"
	exit 1
}

tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly tree
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

# find_java prints the home of a Java that is new enough for the pinned Spark.
find_java() {
	local candidate version
	for candidate in "$(command -v java || true)" /usr/bin/java; do
		[ -x "$candidate" ] || continue
		version=$("$candidate" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p')
		if [ "${version:-0}" -ge 17 ]; then
			dirname "$(dirname "$(readlink -f "$candidate")")"
			return
		fi
	done
	return 1
}

# find_radosgw prints the path of a radosgw of the wanted version that has the
# rest of Ceph beside it.
find_radosgw() {
	local candidate version program
	for candidate in "$(command -v radosgw || true)" /usr/bin/radosgw; do
		[ -x "$candidate" ] || continue
		for program in radosgw-admin ceph ceph-authtool ceph-mon ceph-osd monmaptool; do
			[ -x "$(dirname "$candidate")/$program" ] || continue 2
		done
		version=$("$candidate" --version 2>/dev/null) || continue
		case $version in
		"ceph version $ceph_version" | "ceph version $ceph_version"[!0-9]*)
			printf '%s\n' "$candidate"
			return
			;;
		esac
	done
	return 1
}

# install_ceph installs the programs of Ceph and no service. Those that its
# packages enable, on a machine with systemd, are masked first: they would watch
# over a cluster that is not there. Where Ceph is, nothing is masked.
install_ceph() {
	if [ -d /run/systemd/system ] && ! dpkg-query --status ceph-common >/dev/null 2>&1; then
		local mask=(systemctl --quiet mask ceph-crash.service radosgw.service rbdmap.service)
		[ "$(id -u)" = 0 ] || mask=(sudo "${mask[@]}")
		"${mask[@]}" >&2 || die "could not keep systemd from starting services of Ceph"
	fi
	install "radosgw=$ceph_version*" "ceph-mon=$ceph_version*" "ceph-osd=$ceph_version*" "ceph-common=$ceph_version*"
}

# install_postgresql installs the programs of PostgreSQL. Its package makes a cluster and
# starts it, unless that is told it before: tests start their own.
install_postgresql() {
	install postgresql-common
	local tell=(sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf)
	[ "$(id -u)" = 0 ] || tell=(sudo "${tell[@]}")
	"${tell[@]}" || die "could not keep PostgreSQL's package from starting a cluster"
	install "postgresql-$postgresql_version"
}

# build PATH PACKAGE VERSION [MODULE] builds a Go program, unless it is there and
# runs. Its directory gets its name when it is whole. A program whose module replaces
# others cannot be had by "go install": with MODULE it is built in its module, as that
# was published, and PACKAGE is a folder there.
build() {
	local path=$1 package=$2 version=$3 module=${4:-}
	local directory=${path%/*} name=${path##*/}
	! "$path" --version >/dev/null 2>&1 || return 0

	command -v go >/dev/null || die "building $name takes Go: install it and put its bin directory on PATH"
	say "building $name $version, which takes minutes"
	rm -rf "$directory" "$directory.new"
	mkdir "$directory.new"
	local log source command=(go install "$package@$version")
	log=$(mktemp)
	if [ -n "$module" ]; then
		source=$(go mod download -json "$module@$version" | sed -n 's/^\t"Dir": "\(.*\)".*/\1/p') || true
		[ -n "$source" ] || die "could not get $module@$version"
		command=(go -C "$source" build -mod=readonly -o "$directory.new/" "$package")
	fi
	if ! GOBIN=$directory.new CGO_ENABLED=0 GOFLAGS=-trimpath "${command[@]}" </dev/null >"$log" 2>&1; then
		cat "$log" >&2
		rm -f "$log"
		die "could not build $name"
	fi
	rm -f "$log"
	"$directory.new/$name" --version >/dev/null || die "$name was built but does not run"
	sync -f "$directory.new"
	mv "$directory.new" "$directory"
}

# environment NAME REQUIREMENTS MODULES [BUILD] makes a virtual environment of what a
# requirements file names, unless it is there, and sets the variable NAME to its
# path. That it is there means that it was finished and that its Python, which may
# have gone since, still finds the modules. BUILD names what has to be there first, to
# build what is published as source alone.
environment() {
	local -n venv=$1
	local requirements=$tree/conformance/$2 modules=$3 first=${4:+$tree/conformance/$4}
	venv=$cache/venv-$({ cat "$requirements" ${first:+"$first"} && "$python" -V; } | sha256sum | cut -c1-12)
	! { [ -e "$venv/finished" ] && "$venv/bin/python" -c "import $modules"; } 2>/dev/null || return 0

	# A virtual environment cannot be moved, so it is built where it stays; the
	# file "finished" is made last.
	say "installing the Python clients of conformance/$2 into $venv"
	rm -rf "$venv"
	"$python" -m venv "$venv"
	# Wheels only, unless a file says otherwise of a package of its own: building one
	# would run code, and need tools, that the hashes do not cover.
	local pip=("$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --require-hashes --only-binary :all:)
	if [ -n "$first" ]; then
		"${pip[@]}" --requirement "$first" >&2
		pip+=(--no-build-isolation --no-cache-dir)
	fi
	"${pip[@]}" --requirement "$requirements" >&2
	"$venv/bin/python" -c "import $modules" || die "the Python clients in $venv do not run"
	sync -f "$venv"
	touch "$venv/finished"
}

# hadoop_archives NAME sets the variable NAME to a folder with what Spark's snippet
# has Spark get: Hadoop's archives for S3 and what they need, from Maven Central. They
# are got by Spark itself, into a home that is nobody's, and are what
# conformance/spark-jars.sha256 says.
hadoop_archives() {
	local -n folder=$1
	local sums=$tree/conformance/spark-jars.sha256
	folder=$cache/spark-jars-$(sha256sum <"$sums" | cut -c1-12)
	[ ! -e "$folder/finished" ] || return 0

	say "getting Hadoop's archives for Spark into $folder"
	rm -rf "$folder"
	mkdir "$folder"
	local log
	log=$(mktemp)
	if ! JAVA_HOME=$java JAVA_TOOL_OPTIONS=-Duser.home=$folder "$spark/bin/python" - "$folder" \
		<"$tree/conformance/testdata/get_archives.py" >"$log" 2>&1; then
		cat "$log" >&2
		rm -f "$log"
		die "could not get Hadoop's archives"
	fi
	rm -f "$log"
	(cd "$folder/jars" && sha256sum --check --strict --quiet <(grep -v '^#' "$sums")) >&2 || die "Hadoop's archives are not those that are pinned"
	# It keeps two copies of each, of which the largest has 0.7 GB.
	local jar
	for jar in "$folder"/jars/*.jar; do
		set -- "${jar##*/}"
		ln -f "$folder/cache/${1%%_*}"/*/jars/"${1#*_}" "$jar"
	done
	sync -f "$folder"
	touch "$folder/finished"
}

case $cache in
[!/]*) die "the cache directory, $cache, must be an absolute path: set KEYHATCH_CACHE to one" ;;
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

minio=$cache/minio-$minio_version/minio
versitygw=$cache/versitygw-$versitygw_version/versitygw
gitleaks=$cache/gitleaks-$gitleaks_version/gitleaks
tofu=$cache/tofu-$tofu_version/tofu
# Beside all else, which waits for the network most of the time. Should that fail, this
# goes on to its end, and the next setup waits for it.
{
	build "$minio" "$minio_package" "$minio_version"
	build "$versitygw" "$versitygw_package" "$versitygw_version"
	build "$gitleaks" "$gitleaks_package" "$gitleaks_version"
	build "$tofu" ./cmd/tofu "$tofu_version" "$tofu_module"
} >&2 &
builds=$!

has_compiler || install gcc libc6-dev
has_compiler || die "${CC:-gcc} cannot build a program: the race detector needs a C compiler"

command -v curl >/dev/null || install curl
command -v curl >/dev/null || die "no curl was found after installing it"

for shell in fish zsh; do
	command -v $shell >/dev/null || install $shell
	command -v $shell >/dev/null || die "no $shell was found after installing it"
done

command -v systemd-analyze >/dev/null || install systemd
command -v chromium >/dev/null || install chromium fonts-dejavu-core
chromium=$(command -v chromium) || die "no chromium was found after installing it"

if ! rclone=$(find_rclone); then
	install "rclone=$rclone_version*"
	rclone=$(find_rclone) || die "no rclone $rclone_version was found after installing it"
fi

if ! python=$(find_python); then
	install python3 python3-venv
	python=$(find_python) || die "no Python 3.10 or later with venv was found after installing it"
fi

environment clients requirements.txt 'awscli, boto3, duckdb, duckdb_extension_aws, duckdb_extension_httpfs, obstore, S3'
environment s3fs requirements-s3fs.txt 'pyiceberg, rasterio, s3fs'
environment arvados requirements-arvados.txt 'arvados'
environment moto requirements-moto.txt 'moto.server'
environment tiledb requirements-tiledb.txt 'tiledb.client'
environment earthdata requirements-earthdata.txt 'earthaccess, obstore.auth.earthdata'
environment provena requirements-provena.txt 'ProvenaInterfaces, boto3, provenaclient'

if ! java=$(find_java); then
	install default-jre-headless
	java=$(find_java) || die "no Java 17 or later was found after installing it"
fi
environment spark requirements-spark.txt 'pyspark' requirements-spark-build.txt
hadoop_archives spark_jars

if ! radosgw=$(find_radosgw); then
	install_ceph
	radosgw=$(find_radosgw) || die "no Ceph $ceph_version was found after installing it"
fi
postgresql=/usr/lib/postgresql/$postgresql_version/bin
[ -x "$postgresql/postgres" ] && [ -x "$postgresql/initdb" ] || install_postgresql
[ -x "$postgresql/postgres" ] && [ -x "$postgresql/initdb" ] || die "no PostgreSQL $postgresql_version was found after installing it"

wait "$builds" || die "not all programs were built, see above"

# They are set by reference.
# shellcheck disable=SC2154
printf 'export %s=%q\n' \
	KEYHATCH_ARVADOS_PYTHON "$arvados/bin/python" \
	KEYHATCH_AWSCLI "$clients/bin/aws" \
	KEYHATCH_CHROMIUM "$chromium" \
	KEYHATCH_EARTHDATA_PYTHON "$earthdata/bin/python" \
	KEYHATCH_GITLEAKS "$gitleaks" \
	KEYHATCH_JAVA_HOME "$java" \
	KEYHATCH_MINIO "$minio" \
	KEYHATCH_MOTO "$moto/bin/moto_server" \
	KEYHATCH_POSTGRES "$postgresql" \
	KEYHATCH_PYTHON "$clients/bin/python" \
	KEYHATCH_RADOSGW "$radosgw" \
	KEYHATCH_RCLONE "$rclone" \
	KEYHATCH_S3CMD "$clients/bin/s3cmd" \
	KEYHATCH_S3FS_PYTHON "$s3fs/bin/python" \
	KEYHATCH_SPARK_JARS "$spark_jars" \
	KEYHATCH_SPARK_PYTHON "$spark/bin/python" \
	KEYHATCH_TILEDB_PYTHON "$tiledb/bin/python" \
	KEYHATCH_PROVENA_PYTHON "$provena/bin/python" \
	KEYHATCH_TOFU "$tofu" \
	KEYHATCH_VERSITYGW "$versitygw"
