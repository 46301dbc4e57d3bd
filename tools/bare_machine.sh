#!/bin/sh
# Sets the project up on bare systems (Debian, Ubuntu) with the commands of the README, and runs its
# tests.
#
#   tools/bare_machine.sh [OPTIONS] [FOLDER]
#
# Each system is a new root that debootstrap makes (minimal, Python and python3-venv added). A run
# checks, in this order:
#   1. without the README's system packages: one line names what is missing, and --doctor works;
#   2. with them: the README's set-up line works as printed, and once more;
#   3. the tests.
# docs/bare_machines.md says what this needs, how long it takes and how much disk.
#
#   --suite NAME    a Debian release: bookworm (Python 3.11), trixie (3.13), forky
#                   (testing, its newest Python), or Ubuntu's noble (3.12). May be repeated.
#   --kind KIND     pinned (constraints.txt) or newest (of every package). May be repeated.
#   --without-torch install no extra `training`; tests that need torch are skipped
#   --quick         leave out the tests that are marked as slow
#   --no-tests      end after step 2
#   --time-set-up   do nothing but the two set-up commands of the README, one after the other, and
#                   tell how long each takes, with its user and system time; pip keeps nothing and
#                   finds nothing kept
#   --copy PATH     copy this file or folder of this machine into the root, at the same place
#   --bind PATH     show this folder of this machine in the root, at the same place, read-only
#   --cache FOLDER  where pip keeps what it has downloaded (default: FOLDER/pip-cache)
#   --env NAME=VALUE  an environment variable inside. May be repeated.
#   --mirror URL    the package mirror (default: deb.debian.org or archive.ubuntu.com)
#   --keep          keep the root of each run, to look around in it
#
# FOLDER holds the roots and logs (default: bare-machines in the user's cache).
set -eu

usage() {
    sed -n '2,/^set -eu/{/^set -eu/d;s/^# \{0,1\}//;p;}' "$0"
}

say() {
    printf '%s\n' "bare_machine: $*" >&2
}

fail() {
    say "$*"
    exit 2
}

checkout=$(cd "$(dirname "$0")/.." && pwd)
mirror=

# ---------------------------------------------------------------------------------------------
# Inside a run's own mount and process namespace: whatever is mounted or started here is gone when
# this part ends, however it ends.

in_root() {
    chroot "$root" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive PIP_ROOT_USER_ACTION=ignore \
        PIP_NO_INPUT=1 PIP_CACHE_DIR=/pip-cache "$@"
}

# Runs a line of shell in the project's folder of the root.
in_project() {
    in_root sh -c "$environment cd /project && $1"
}

# A command of the README: the first line that matches.
from_readme() {
    line=$(grep -m 1 -o "$1" "$checkout/README.md") || fail "README.md has no line like: $1"
    [ "$kind" = pinned ] || line=$(printf '%s' "$line" | sed 's/-c constraints.txt //')
    [ "$torch" = yes ] || line=$(printf '%s' "$line" | sed 's/\[training,dev\]/[dev]/')
    printf '%s\n' "$line"
}

expect() { # what, wanted exit code, real one, text that has to be in the output, the output
    [ "$3" = "$2" ] || { cat "$5"; fail "$1: exit code $3, not $2"; }
    grep -q -- "$4" "$5" || { cat "$5"; fail "$1: the output does not have: $4"; }
    ! grep -q -e 'Traceback' -e 'please report' "$5" || { cat "$5"; fail "$1: a traceback"; }
    say "ok: $1"
}

packages_needed() {
    from_readme 'apt-get update && apt-get install -y [a-z0-9. -]*'
}

# Runs the README's commands for system packages and for the set-up, as printed and in that order.
time_set_up() {
    for line in "$apt" "$setup"; do
        say "+ $line"
        began=$(date +%s)
        in_project "export PIP_NO_CACHE_DIR=1; { $line; } >/tmp/said 2>&1 && times" >"$out" ||
            { cat "$root/tmp/said"; fail "failed: $line"; }
        # The last line of `times` has the user and system time of the commands, as 1m2.34s 0m5.6s.
        took="${took:+$took, }$(($(date +%s) - began)) s ($(tail -n 1 "$out"))"
    done
    say "ok: apt-get and the set-up line took $took; the last line: $(tail -n 1 "$root/tmp/said")"
}

run_inside() {
    root=$1 kind=$2 torch=$3 tests=$4 environment=$5 binds=$6 cache=$7
    setup=$(from_readme '^python3 -m venv .* run_demo.py --demo .*$')
    install=${setup%% && .venv/bin/python *}
    apt=$(packages_needed)
    printf '%s\n' "$binds" | while IFS= read -r path; do
        [ -n "$path" ] || continue
        mkdir -p "$root$path"
        mount --bind "$path" "$root$path"
        mount -o remount,bind,ro "$root$path"
    done
    mkdir -p "$cache" "$root/pip-cache"
    mount --bind "$cache" "$root/pip-cache"
    out=$root/tmp/out

    mount -t proc proc "$root/proc"
    mount -t sysfs -o ro sysfs "$root/sys"
    mount -t devpts devpts "$root/dev/pts"
    mount -t tmpfs tmpfs "$root/dev/shm"
    if [ "$tests" = time ]; then
        took=
        time_set_up
        return 0
    fi
    say "+ $install"
    in_project "$install"

    code=0
    in_project '.venv/bin/python run_demo.py --demo --no-window -o no.mp4' >"$out" 2>&1 || code=$?
    expect 'without system packages, one line says which' 2 "$code" 'apt-get install -y' "$out"
    [ "$(wc -l <"$out")" -le 2 ] || { cat "$out"; fail 'more than a line'; }
    code=0
    in_project '.venv/bin/python run_demo.py --doctor' >"$out" 2>&1 || code=$?
    expect '--doctor works without system packages' 1 "$code" 'apt-get install -y' "$out"
    cat "$out"

    say "+ $apt"
    in_root sh -c "$apt" >"$out" 2>&1 || { cat "$out"; fail 'apt-get failed'; }

    umount "$root/proc" "$root/sys" "$root/dev/pts" "$root/dev/shm"
    code=0
    in_project '.venv/bin/python run_demo.py --demo --no-window -o no.mp4' >"$out" 2>&1 || code=$?
    expect 'without /proc and /sys, one line says so' 2 "$code" '^error: /sys/' "$out"
    mount -t proc proc "$root/proc"
    mount -t sysfs -o ro sysfs "$root/sys"
    mount -t devpts devpts "$root/dev/pts"
    mount -t tmpfs tmpfs "$root/dev/shm"

    for time in first second; do
        say "+ $setup"
        in_project "$setup" >"$out" 2>&1 || { cat "$out"; fail "the set-up line failed: $time time"; }
        say "ok: the set-up line, $time time: $(tail -n 1 "$out")"
    done
    code=0
    in_project '.venv/bin/python run_demo.py --doctor' >"$out" 2>&1 || code=$?
    expect '--doctor with everything' 0 "$code" 'The demo can run here' "$out"
    cat "$out"

    [ "$tests" != no ] || return 0
    install=$(from_readme '^python3 -m venv .*pytest$')
    [ "$tests" = yes ] || install="$install -m 'not slow'"
    say "+ $install"
    in_project "$install"
}

if [ "${1-}" = --inside ]; then
    shift
    run_inside "$@"
    exit
fi

# ---------------------------------------------------------------------------------------------

suites='' kinds='' torch=yes tests=yes copies='' binds='' environment='' folder='' keep=no cache=''
newline='
'
quoted() {
    printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"
}
while [ $# -gt 0 ]; do
    case $1 in
    --suite) suites="$suites ${2:?}" && shift ;;
    --kind) kinds="$kinds ${2:?}" && shift ;;
    --without-torch) torch=no ;;
    --quick) tests=quick ;;
    --no-tests) tests=no ;;
    --time-set-up) tests=time ;;
    --copy) copies="$copies${2:?}$newline" && shift ;;
    --bind) binds="$binds${2:?}$newline" && shift ;;
    --cache) cache=${2:?} && shift ;;
    --env) environment="${environment}export $(quoted "${2:?}"); " && shift ;;
    --mirror) mirror=${2:?} && shift ;;
    --keep) keep=yes ;;
    -h | --help) usage && exit ;;
    -*) fail "unknown option $1; see --help" ;;
    *) [ -z "$folder" ] || fail 'one folder; see --help' && folder=$1 ;;
    esac
    shift
done
: "${suites:=bookworm trixie}" "${kinds:=pinned newest}"
: "${folder:=${XDG_CACHE_HOME:-$HOME/.cache}/bare-machines}"
[ "$(id -u)" = 0 ] || fail 'has to be started as root: it changes roots'
for program in debootstrap chroot unshare mount tar; do
    command -v "$program" >/dev/null || fail "$program is missing: apt-get install debootstrap util-linux"
done
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
case $folder/ in "$checkout"/*) fail "FOLDER lies in the checkout; give one outside it" ;; esac
: "${cache:=$folder/pip-cache}"

# Copies the files and folders of --copy into the root $1, and what names are looked up with.
copy_in() {
    printf '%s\n' /etc/resolv.conf /etc/hosts "$copies" | while IFS= read -r path; do
        [ -n "$path" ] || continue
        mkdir -p "$1$(dirname "$path")"
        cp -RL "$path" "$1$(dirname "$path")/"
    done
}

# The root of a release, made once: nothing but the minimal system and Python.
base_of() {
    base=$folder/$1.base
    [ ! -e "$base.complete" ] || return 0
    rm -rf --one-file-system "$base"
    say "debootstrap $1, into $base"
    # debootstrap has a script for each release that it knows; one of these makes the newer ones.
    archive=http://deb.debian.org/debian newer=sid components=main
    if [ "$1" = noble ]; then
        keyring=/usr/share/keyrings/ubuntu-archive-keyring.gpg
        [ -e "$keyring" ] || fail "$keyring is missing: install the package ubuntu-keyring of Ubuntu"
        archive=http://archive.ubuntu.com/ubuntu newer=jammy
        components=main,universe # python3-venv is in the second
    fi
    script=/usr/share/debootstrap/scripts/$1
    [ -e "$script" ] || script=/usr/share/debootstrap/scripts/$newer
    debootstrap --variant=minbase --components="$components" \
        "$1" "$base" "${mirror:-$archive}" "$script" >"$folder/$1.debootstrap.log" 2>&1 ||
        fail "debootstrap failed; see $folder/$1.debootstrap.log"
    copy_in "$base"
    chroot "$base" sh -c 'apt-get update && DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends python3 python3-venv' \
        >>"$folder/$1.debootstrap.log" 2>&1 || fail "apt-get failed; see $folder/$1.debootstrap.log"
    touch "$base.complete"
}

# The working tree as it is, without what git ignores.
copy_project() {
    mkdir -p "$1/project"
    (cd "$checkout" && git ls-files -z --cached --others --exclude-standard |
        tar --null --ignore-failed-read -T - -cf - 2>/dev/null) | tar -C "$1/project" -xf -
}

failed=0
for suite in $suites; do
    base_of "$suite"
    for kind in $kinds; do
        root=$folder/$suite.$kind log=$folder/$suite.$kind.log
        rm -rf --one-file-system "$root"
        cp -a "$folder/$suite.base" "$root"
        copy_in "$root"
        copy_project "$root"
        began=$(date +%s)
        say "$suite, $kind: see $log"
        if unshare --mount --propagation private --pid --fork --kill-child sh "$0" --inside \
            "$root" "$kind" "$torch" "$tests" "$environment" "$binds" "$cache" >"$log" 2>&1; then
            result=passed
        else
            result=FAILED failed=1
        fi
        minutes=$((($(date +%s) - began + 30) / 60))
        version=$(chroot "$root" python3 -V)
        size=$(du -shx "$root" | cut -f 1)
        printf '%s\n' "$suite, $version, $kind: $result in $minutes min, $size; $(tail -n 1 "$log")"
        [ "$keep" = yes ] || rm -rf --one-file-system "$root"
    done
done
exit $failed
