# Set-up shared by the scripts at the root of the checkout; sourced, never run.
# Each script sets `root` to the checkout first.

set -euo pipefail
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

# Why a script stops, in one line.
stop() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

require_tools() {
  (cd "$root" && dotnet --version) >/dev/null 2>&1 ||
    stop "the .NET 10 SDK is missing: install dotnet-sdk-10.0 with your package manager or from https://dot.net."
  command -v node >/dev/null || stop "Node.js is missing: install nodejs with your package manager or from https://nodejs.org."
  command -v npm >/dev/null || stop "npm is missing: it comes with Node.js, or as the package npm."
}

# Runs the rest of the line while no other script of this checkout works on the same file or folder; without flock (macOS), unguarded.
one_at_a_time() {
  local what=$1
  shift
  (
    if command -v flock >/dev/null; then
      flock 9
    fi
    # Closed to what it starts: a build server that lives on must not keep the lock.
    "$@" 9<&-
  ) 9<"$what"
}

# What the embedded default runs; with `dev`, also what only the tests run.
install_local_parts() {
  one_at_a_time "$root/infra/local/package.json" restore_local_parts "${1:-}"
  if [ "${1:-}" = dev ]; then
    one_at_a_time "$root/infra/local/package.json" restore_packages MariaDB mariadb /usr/sbin/mariadbd
    one_at_a_time "$root/infra/local/package.json" restore_packages "Ceph's S3 server" radosgw /usr/bin/radosgw
  fi
}

restore_local_parts() {
  local parts="$root/infra/local" wanted installed=""
  local stamp="$parts/node_modules/.installed"
  wanted=$(cksum <"$parts/package-lock.json")
  [ ! -f "$stamp" ] || installed=$(cat "$stamp")
  case "$installed" in
    "$wanted dev") return ;;
    "$wanted ") [ "$1" = dev ] || return 0 ;;
  esac
  echo "Installing the local parts…" >&2
  if [ "$installed" = "$wanted " ]; then
    # Only adds: a server may be running from what is there.
    npm install --prefix "$parts" --no-save --loglevel=error >&2
  elif [ "$1" = dev ]; then
    npm ci --prefix "$parts" --loglevel=error >&2
  else
    npm ci --prefix "$parts" --omit=dev --loglevel=error >&2
  fi || stop "npm could not install the local parts of infra/local/package-lock.json; its reason is above."
  echo "$wanted $1" >"$stamp"
}

# A server of Debian's for the tests: unpacked into infra/local and not installed, so it takes no rights and leaves the machine as it
# was. Where there is no apt and no server, its tests are skipped (and fail in CI).
# Arguments: what to call it, the folder (which names the function that fetches it), the program of a machine that has it installed.
restore_packages() {
  local target="$root/infra/local/$2"
  [ ! -d "$target" ] && [ ! -x "$3" ] && command -v apt-get >/dev/null && command -v dpkg >/dev/null || return 0
  echo "Fetching $1 for the tests…" >&2
  local unfinished
  unfinished=$(mktemp -d "$root/infra/local/$2.XXXXXX")
  if (fetch_packages "$unfinished" "fetch_$2") >"$unfinished/log" 2>&1; then
    mv "$unfinished/root" "$target"
  else
    sed 's/^/  /' "$unfinished/log" >&2
    echo "$1 could not be fetched; the reason is above. Its tests are skipped until it can." >&2
  fi
  rm -rf "$unfinished"
}

# Package lists of its own: those of the machine may be absent, old, or closed to this user.
fetch_packages() {
  local apt=(apt-get -q -o APT::Sandbox::User=root -o "Dir::State::Lists=$1/lists" -o "Dir::Cache=$1/cache")
  cd "$1" && mkdir -p lists/partial cache/archives/partial && "${apt[@]}" update && "$2"
}

fetch_mariadb() {
  local library
  "${apt[@]}" download mariadb-server-core && unpack_packages || return 1
  # What this machine lacks: libaio.so.1 comes in the package libaio1, or in libaio1t64.
  for library in $(ldd root/usr/sbin/mariadbd | sed -n -E 's/^\s*(\S+) => not found/\1/p' | sed -E 's/([0-9])\.so\./\1-/; s/\.so\.//'); do
    "${apt[@]}" download "$library" || "${apt[@]}" download "${library}t64" || return 1
  done
  unpack_packages
}

# The servers and the libraries that this machine lacks, without the Python around them, which nothing here runs.
fetch_radosgw() {
  local wanted
  wanted=$("${apt[@]}" -s -o Debug::NoLocking=true install --no-install-recommends radosgw ceph-mon ceph-osd ceph-common |
    sed -n -E 's/^Inst (radosgw|ceph-mon|ceph-osd|ceph-base|ceph-common|lib\S+) .*/\1/p') && [ -n "$wanted" ] &&
    "${apt[@]}" download $wanted && unpack_packages
}

unpack_packages() {
  local package
  for package in *.deb; do
    dpkg -x "$package" root || return 1
  done
}

# Builds the solution, or one project of it, with warnings as errors.
build() {
  one_at_a_time "$root/infra/local/setup.sh" restore_and_build "$@"
}

restore_and_build() {
  dotnet restore "$1" --verbosity quiet && dotnet build "$@" --no-restore -warnaserror --verbosity quiet ||
    stop "the build failed; its reason is above."
}

# Takes --data DIR (or --data=DIR) out of a script's arguments: sets `data`, absolute, and leaves the others in `rest`.
take_data_folder() {
  data="$root/data"
  rest=()
  while [ $# -gt 0 ]; do
    case "$1" in
      --data) [ $# -gt 1 ] || stop "--data needs a folder."; data=$2; shift ;;
      --data=*) data=${1#--data=} ;;
      *) rest+=("$1") ;;
    esac
    shift
  done
  mkdir -p "$data" || stop "the data folder $data cannot be made: pass another --data DIR."
  data=$(cd "$data" && pwd)
}
