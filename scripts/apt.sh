# Functions that the scripts in this folder share; to be sourced, not run.
# shellcheck shell=bash

say() { printf '%s: %s\n' "${0##*/}" "$*"; }

fail() {
    say "$*" >&2
    exit 1
}

# Runs a command and shows its output only if it fails.
quietly() {
    local log
    log=$(mktemp)
    if ! "$@" >"$log" 2>&1 </dev/null; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        fail "this command failed, with the output above: $*"
    fi
    rm -f "$log"
}

need_root_and_apt() { # the purpose, the alternative
    command -v apt-get >/dev/null || fail "$1 needs apt, which is not installed: $2"
    [ "$(id -u)" = 0 ] || fail "$1 needs root: run it with sudo, or $2"
}

apt_update() { quietly apt-get update -q; }

apt_install() {
    quietly env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends \
        -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@"
}

# The configured source of Debian's packages, of the given release or of any: its address and its source file.
debian_source() {
    local release=${1:+"Codename: $1"}
    # shellcheck disable=SC2016 # apt's own placeholders
    apt-get indextargets --format '$(REPO_URI) $(SOURCESENTRY)' \
        'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 'Component: main' ${release:+"$release"} |
        sed 's/:[0-9]*$//' | head -n 1
}

# The keyring that a source file names, or else the one that Debian ships.
keyring_of() {
    local named
    named=$(sed -nE 's/^Signed-By:[[:space:]]*(.+)/\1/p; s/.*[[ ]signed-by=([^] ]+).*/\1/p' "$1" | head -n 1)
    echo "${named:-/usr/share/keyrings/debian-archive-keyring.gpg}"
}
